import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { deviceExpression, deviceKinds, parseDevice } from './devices.ts';
import { encoderOptions } from './encode-stage.ts';

describe('the name of a device', () => {
  test.each([...deviceKinds, 'cuda:0', 'cuda:12', 'dml:1'])(
    '%s is taken by options and by those who use them',
    (name) => {
      expect(parseDevice(name)).toMatchObject({ name, kind: name.replace(/:.*/, '') });
      expect(encoderOptions.device.parse(name)).toBe(name);
    },
  );

  test.each(['gpu', 'CUDA', 'cpu:1', 'cuda:', 'cuda:x', 'cuda:-1', ' cpu', ''])('%j is refused by both', (name) => {
    expect(() => parseDevice(name)).toThrow(/is not one of cpu, cuda/);
    const refused = z.object({ device: encoderOptions.device }).safeParse({ device: name });
    expect(JSON.stringify(refused.error?.issues)).toContain('must be cpu, cuda, webgpu, coreml, dml or auto');
    expect(encoderOptions.device.safeParse(['cpu', name]).success).toBe(false);
  });

  test('may be `auto` in options', () => {
    expect(deviceExpression.test('auto')).toBe(true);
    expect(encoderOptions.device.parse(undefined)).toBe('auto');
  });
});
