import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const script = join(import.meta.dirname, '../../scripts/demo.ts');

/** The demo under `PATH`; resolves with what it printed when it ends with exit code 0. */
async function demo(PATH: string): Promise<string> {
  return (await run(process.execPath, [script], { env: { ...process.env, PATH } })).stdout;
}

function expectWholeStory(output: string): void {
  expect(output).toMatch(/pod\/nginx created/);
  expect(output).toMatch(/nginx +1\/1 +Running +0/);
  expect(output).toMatch(/HTTP 200, "Welcome to nginx!"/);
  expect(output).toMatch(/Normal +Started/);
  expect(output).toMatch(/TASK_STARTING[^]*TASK_RUNNING[^]*TASK_KILLED/);
  expect(output).toMatch(/containers of the pod that are left: 0/);
  expect(output).toMatch(/exit code 0; left behind: 0 containers, 0 processes/);
}

test('the demo tells the whole story with kubectl', async () => {
  const output = await demo(process.env['PATH'] ?? '');
  expectWholeStory(output);
});

test('the demo tells the whole story over the API where there is no kubectl', async () => {
  const output = await demo(dirname(process.execPath));
  expect(output).toMatch(/there is no kubectl here/);
  expectWholeStory(output);
});
