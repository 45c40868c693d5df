// Devices by name, what ONNX Runtime calls them, and what to do when one is missing.

import { InputError } from '@deepearth/core/errors';
import type { Precision } from './precision.ts';
import type { SessionSetup } from './session-protocol.ts';

/** Kinds of devices that a session can run on; `auto` chooses among them. */
export const deviceKinds = ['cpu', 'cuda', 'webgpu', 'coreml', 'dml'] as const;
/** One of `deviceKinds`. */
export type DeviceKind = (typeof deviceKinds)[number];
/** `cpu`, `cuda`, `cuda:1`, `webgpu`, `coreml`, `dml`, or `auto`. */
export type Device = DeviceKind | `${DeviceKind}:${number}` | 'auto';

/**
 * `fused` uses ONNX Runtime's own operators; `decomposed` standard ones only, with the queries in pieces, for devices
 * where the fused ones err.
 */
export type AttentionForm = 'fused' | 'decomposed';

/** How ONNX Runtime is made to use a device. */
export interface DevicePlan {
  /** As the user writes it: `cuda:1`. */
  readonly name: string;
  readonly kind: DeviceKind;
  readonly providers: SessionSetup['providers'];
  readonly environment: Readonly<Record<string, string>>;
  /** Forms of attention to try, the best first; the self-test says which one the device gets right. */
  readonly forms: readonly AttentionForm[];
  readonly remedy: string;
}

interface Kind {
  /** The execution provider; number is the device's, in the process's own counting. */
  readonly provider: SessionSetup['providers'][number];
  readonly forms: readonly AttentionForm[];
  readonly remedy: string;
  /** How a process is shown one device of several. */
  environment?(index: number): Record<string, string>;
}

/** Position `index` of the devices that a parent process was shown. */
function shownCuda(index: number): string {
  const shown = process.env['CUDA_VISIBLE_DEVICES'];
  return shown ? (shown.split(',')[index]?.trim() ?? String(index)) : String(index);
}

const kinds: Readonly<Record<DeviceKind, Kind>> = {
  cpu: { provider: 'cpu', forms: ['fused'], remedy: 'Reinstall onnxruntime-node; its CPU library is missing.' },
  cuda: {
    provider: { name: 'cuda', deviceId: 0 },
    forms: ['fused', 'decomposed'],
    environment: (index) => ({ CUDA_VISIBLE_DEVICES: shownCuda(index) }),
    remedy:
      'It needs an NVIDIA GPU, CUDA 12 with cuDNN 9 on the library path, and the CUDA files of onnxruntime-node: ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js',
  },
  webgpu: {
    provider: { name: 'webgpu' },
    forms: ['fused', 'decomposed'],
    remedy: 'It needs a GPU with a Vulkan, Metal or Direct3D 12 driver.',
  },
  coreml: {
    provider: { name: 'coreml' },
    forms: ['decomposed', 'fused'],
    remedy: 'It comes with onnxruntime-node on macOS only.',
  },
  dml: {
    provider: { name: 'dml' },
    forms: ['fused', 'decomposed'],
    remedy: 'It comes with onnxruntime-node on Windows only.',
  },
};

/** The name of a device, with its number where there may be several. */
const named = /^(?:(cpu)|(cuda|webgpu|coreml|dml)(?::(\d{1,9}))?)$/;

/** What may stand for a device in options: a name, or `auto`. */
export const deviceExpression = new RegExp(`^auto$|${named.source}`);

/** Reads a device's name. Throws an `InputError` that lists the names there are. */
export function parseDevice(name: string): DevicePlan {
  const match = named.exec(name);
  if (!match)
    throw new InputError(
      `device ${JSON.stringify(name)}`,
      `is not one of ${deviceKinds.join(', ')}, auto; cuda:0, cuda:1 … name one of several.`,
      { code: 'E_DEVICE_NAME' },
    );
  const [, cpu, other, number = 0] = match;
  const kindName = (cpu ?? other) as DeviceKind;
  const kind = kinds[kindName];
  const index = Number(number);
  return {
    name,
    kind: kindName,
    // Alone: what it has no kernel for goes to the CPU anyway, and with a second one named onnxruntime-node drops a
    // missing first one without a word.
    providers: [kind.provider],
    environment: kind.environment?.(index) ?? {},
    forms: kind.forms,
    remedy: kind.remedy,
  };
}

/** What is tried for `auto` on this system, the fastest first; the CPU is always last. */
export function candidates(platform: NodeJS.Platform = process.platform): string[] {
  const system: Partial<Record<NodeJS.Platform, string[]>> = {
    linux: ['cuda'],
    win32: ['cuda', 'dml'],
    darwin: ['coreml'],
  };
  return [...(system[platform] ?? []), 'cpu'];
}

/** What is computed in between: half precision on GPUs only; a CPU multiplies fp16 weights in float32. */
export const computeType = (kind: DeviceKind, precision: Precision): 'float32' | 'float16' =>
  precision === 'fp16' && kind !== 'cpu' ? 'float16' : 'float32';
