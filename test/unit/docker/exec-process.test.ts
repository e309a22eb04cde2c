import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { signalExec } from '../../../src/docker/exec-process.ts';

/** An exec of whom the Engine says one thing after the other, and the last one from then on. */
function execWith(...answers: readonly (object | Error)[]): Parameters<typeof signalExec>[0] & { asked: number } {
  const exec = {
    asked: 0,
    inspect: async () => {
      const answer = answers[Math.min(exec.asked++, answers.length - 1)];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return exec as unknown as ReturnType<typeof execWith>;
}

describe('a signal to a process that was left alone', () => {
  it.each<[string, object | Error]>([
    ['that is just being started and has no number yet', { Running: true, Pid: 0 }],
    ['of which the Engine is too busy to tell', new Error('timeout')],
  ])('reaches one %s', async (_what, first) => {
    const child = spawn('sleep', ['100'], { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    const exited = once(child, 'exit');
    // Its cgroup stands for that of the container.
    const cgroup = (await readFile(`/proc/${child.pid}/cgroup`, 'utf8')).split('\n')[0] ?? '';
    try {
      await signalExec(execWith(first, first, { Running: true, Pid: child.pid }), cgroup, 'SIGHUP');
      expect(await exited).toEqual([null, 'SIGHUP']);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it.each<[string, object | Error]>([
    ['has ended', { Running: false, Pid: 0 }],
    ['is forgotten', Object.assign(new Error('no such exec'), { statusCode: 404 })],
    ['may not be reached', Object.assign(new Error('kill EPERM'), { code: 'EPERM' })],
    ['is not of the container', { Running: true, Pid: process.pid }],
  ])('is not tried again where it %s', async (_what, answer) => {
    const exec = execWith(answer);
    await signalExec(exec, 'no such cgroup', 'SIGKILL');
    expect(exec.asked).toBe(1);
  });
});
