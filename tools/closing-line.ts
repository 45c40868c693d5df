// Ends a test run with the plain line "N passed, N failed, N skipped".

import { mkdirSync, writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    // A run that found no test file is a mistake, not a success.
    const failures: string[] = [];
    const count = { passed: 0, failed: modules.length === 0 ? 1 : unhandled.length, skipped: 0 };
    const files: Record<string, typeof count> = {};
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      // A suite that could not be collected (or holds no test) fails the run, although none of its tests did.
      const broken = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
      const here = { passed: 0, failed: broken || (tests.length === 0 ? 1 : 0), skipped: 0 };
      if (here.failed > 0) failures.push(module.relativeModuleId);
      for (const test of tests) {
        const { state } = test.result();
        here[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
        if (state === 'failed') failures.push(`${module.relativeModuleId} > ${test.fullName}`);
      }
      files[module.relativeModuleId] = here;
      for (const key of ['passed', 'failed', 'skipped'] as const) count[key] += here[key];
    }
    // Nx starts the tests of a project in its folder and keeps this file; tools/test.mjs adds up those of all projects.
    if (process.env['NX_TASK_TARGET_PROJECT']) {
      mkdirSync('test-results', { recursive: true });
      writeFileSync('test-results/summary.json', `${JSON.stringify({ ...count, failures, files })}\n`);
    }
    process.on('exit', () => console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`));
  }
}
