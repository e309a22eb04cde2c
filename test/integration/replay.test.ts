import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ReplayReport } from '../../src/harness/index.ts';
import { runKm } from '../support/run-km.ts';

const FOLDER = new URL('../recordings/pods/', import.meta.url).pathname;

async function replay(file: string, ...flags: string[]): Promise<{ code: number | null; report: ReplayReport; stderr: string }> {
  const { code, stdout, stderr } = await runKm(['replay', `${FOLDER}${file}`, '--format=json', ...flags]);
  return { code, report: JSON.parse(stdout) as ReplayReport, stderr };
}

// One after the other: the recordings share the UIDs and host ports of their pods.
describe('km replay with the real executor and a real Engine', () => {
  it.each(readdirSync(FOLDER).filter((file) => file.endsWith('.jsonl')))('agrees with %s', async (file) => {
    const { code, report } = await replay(file);
    expect(report.differences).toEqual([]);
    expect({ code, agrees: report.agrees, left: report.containersLeft }).toEqual({ code: 0, agrees: true, left: [] });
  });

  it.each([
    ['03-web-kill-policy.jsonl', 'json'],
    ['09-launch-group.jsonl', 'json'],
    ['12-message.jsonl', 'protobuf'],
  ])('agrees with %s in %s, which was recorded in the other encoding', async (file, encoding) => {
    const { report } = await replay(file, `--content-type=${encoding}`);
    expect(report.differences).toEqual([]);
    expect(report.contentType).toBe(encoding === 'json' ? 'application/json' : 'application/x-protobuf');
  });

  it('agrees when there is no Kubernetes API', async () => {
    const { report } = await replay('04-job-succeeds.jsonl', '--no-kubernetes');
    expect(report.differences).toEqual([]);
    expect(report.timeline.filter(({ lane }) => lane === 'kubernetes')).toEqual([]);
  });

  it('shows what the agent sent, what the executor answered and what the Kubernetes API saw', async () => {
    const { report } = await replay('01-nginx-kill.jsonl');
    const texts = (lane: string): string[] => report.timeline.filter((entry) => entry.lane === lane).map(({ text }) => text);
    expect(texts('agent')).toEqual(expect.arrayContaining(['LAUNCH task-1 (default/nginx)', 'KILL task-1', 'SHUTDOWN']));
    expect(texts('executor')).toEqual(expect.arrayContaining(['task-1 TASK_STARTING', 'task-1 TASK_RUNNING healthy', 'exited with 0']));
    expect(texts('kubernetes')).toEqual(expect.arrayContaining([
      expect.stringMatching(/^default\/nginx .*Running, .*nginx running/), 'event nginx Started: Started container nginx', expect.stringMatching(/^default\/nginx .*Failed/),
    ]));
  });
});
