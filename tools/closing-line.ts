// Ends a test run with the plain line "N passed, N failed, N skipped".

import type { Reporter, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      // A suite that could not be collected (or holds no test) fails the run, although none of its tests did.
      const broken = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
      count.failed += broken || (tests.length === 0 ? 1 : 0);
      for (const test of tests) {
        const { state } = test.result();
        count[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
      }
    }
    process.on('exit', () => console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`));
  }
}
