import { describe, expect, it } from 'vitest';
import { htmlReport, TextReport, type ReplayReport, type TimelineEntry } from '../../../../src/harness/index.ts';

const entry = (atMs: number, lane: TimelineEntry['lane'], text: string, tone: TimelineEntry['tone'] = 'plain'): TimelineEntry => ({ atMs, lane, text, tone });

const report: ReplayReport = {
  title: 'a pod <script>',
  agent: 'Apache Mesos',
  contentType: 'application/json',
  agrees: false,
  differences: ['task-1: expected TASK_ERROR, got nothing'],
  tasks: [
    { taskId: 'task-1', expected: ['TASK_ERROR'], reported: [], agrees: false },
    { taskId: 'task-10', expected: ['TASK_KILLED'], reported: ['TASK_RUNNING', 'TASK_KILLED'], agrees: true },
  ],
  executor: { exitCode: 0, shutdownMs: 312, shutdownGraceMs: 5_000 },
  containersLeft: [],
  durationMs: 4_321,
  timeline: [entry(3, 'agent', 'LAUNCH task-1'), entry(4, 'kubernetes', 'event nginx Failed: "no & such" image', 'bad')],
  executorLog: ['WARN something'],
  directory: undefined,
};

describe('the text', () => {
  const text = new TextReport({ columns: 110, color: false });

  it('has a lane for each side, with room for long texts on lines below', () => {
    const lines = [
      text.head('title', 'Apache Mesos', 'application/json'),
      text.entry(entry(12, 'agent', 'LAUNCH task-1 (pod default/nginx)')),
      text.entry(entry(1_234, 'executor', 'task-1 TASK_RUNNING healthy')),
      text.entry(entry(1_300, 'kubernetes', 'default/nginx Running, +Ready +ContainersReady +Initialized +PodScheduled')),
    ].join('');
    expect(lines).toBe([
      'title',
      'recorded from Apache Mesos, application/json',
      '',
      '      ms  agent sent                 executor answered                Kubernetes API saw',
      '      12  LAUNCH task-1 (pod',
      '            default/nginx)',
      '    1234                             task-1 TASK_RUNNING healthy',
      '    1300                                                              default/nginx Running, +Ready',
      '                                                                        +ContainersReady +Initialized',
      '                                                                        +PodScheduled',
      '',
    ].join('\n'));
  });

  it('breaks a word that is longer than its lane', () => {
    const lines = text.entry(entry(1, 'agent', 'x'.repeat(60))).trimEnd().split('\n');
    expect(lines.map((line) => line.trim().replace(/^1\s+/, '')).join('')).toBe('x'.repeat(60));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(35);
  });

  it('says how every task went, what differs and what the executor wrote', () => {
    expect(text.verdict(report)).toBe([
      '',
      '✗ task-1   nothing reported',
      '✓ task-10  TASK_RUNNING TASK_KILLED',
      '  the executor exited with 0, 312 ms after SHUTDOWN (grace 5000 ms); no container left',
      '',
      'differs from the recording, 4.3 s:',
      '  - task-1: expected TASK_ERROR, got nothing',
      '',
      'the last that the executor wrote:',
      '  | WARN something',
      '',
    ].join('\n'));
  });

  it('is short when all agrees', () => {
    expect(text.verdict({ ...report, agrees: true, differences: [], directory: '/tmp/kept' })).toMatch(/the executor's files are in \/tmp\/kept\n\nagrees with the recording, 4\.3 s\n$/);
  });

  it.each([
    [{ exitCode: undefined, shutdownMs: undefined, shutdownGraceMs: 5_000 }, undefined, 'the executor had to be ended; Docker was not asked for leftovers'],
    [{ exitCode: null, shutdownMs: 5_000, shutdownGraceMs: 5_000 }, ['a', 'b'], 'the executor was ended by a signal, 5000 ms after SHUTDOWN (grace 5000 ms); 2 containers left'],
  ])('words an end of %j', (executor, containersLeft, words) => {
    expect(text.verdict({ ...report, executor, containersLeft })).toContain(words);
  });

  it('has colors only where they are wanted', () => {
    const colored = new TextReport({ columns: 110, color: true }).entry(entry(1, 'agent', 'ERROR', 'bad'));
    expect(colored).toContain('\u001b[31m');
    expect(text.entry(entry(1, 'agent', 'ERROR', 'bad'))).not.toContain('\u001b');
  });
});

describe('the page', () => {
  const page = htmlReport(report);

  it('holds everything and loads nothing', () => {
    expect(page).toMatch(/^<!doctype html>/);
    for (const text of ['differs from the recording', 'task-1: expected TASK_ERROR, got nothing', 'TASK_RUNNING TASK_KILLED', 'LAUNCH task-1', 'WARN something', '312 ms after SHUTDOWN']) expect(page).toContain(text);
    expect(page).not.toMatch(/https?:|src=|<script|<link/);
  });

  it('escapes what it was told', () => {
    expect(page).toContain('a pod &lt;script&gt;');
    expect(page).toContain('&quot;no &amp; such&quot; image');
  });

  it('puts every line into its lane', () => {
    expect(page).toContain('<tr><td class="ms">3</td><td class="plain">LAUNCH task-1</td><td></td><td></td></tr>');
    expect(page).toContain('<td class="ms">4</td><td></td><td></td><td class="bad">event');
  });
});
