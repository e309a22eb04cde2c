import { describe, expect, it } from 'vitest';
import { essentialStates, readRecording } from '../../../../src/harness/index.ts';

const HEAD = '{"format":"km-recording/1","title":"t","agent":"a","contentType":"application/json","environment":{},"expect":{}}';

describe('reading a recording', () => {
  it.each([
    ['', 'line 1: the file holds no recording'],
    ['nonsense\n', 'line 1: no JSON: '],
    ['[]\n', 'line 1: expected an object'],
    ['{"format":"km-recording/2"}\n', 'line 1, format: expected "km-recording/1"'],
    ['{"format":"km-recording/1","contentType":"text/plain"}\n', 'line 1, contentType: expected application/json or application/x-protobuf'],
    ['{"format":"km-recording/1","environment":{"A":1}}\n', 'line 1, environment.A: expected a text'],
    ['{"format":"km-recording/1","expect":{"task-1":"TASK_RUNNING"}}\n', 'line 1, expect.task-1: expected a list of states'],
    [`${HEAD}\nnonsense\n`, 'line 2: no JSON: '],
    [`${HEAD}\n{"conn":1,"from":"agent"}\n`, 'line 2, t: expected milliseconds'],
    [`${HEAD}\n{"t":1,"from":"agent"}\n`, 'line 2, conn: expected the number of a connection'],
    [`${HEAD}\n{"t":1,"conn":1,"from":"master"}\n`, 'line 2, from: expected "agent" or "executor"'],
    [`${HEAD}\n\n{"t":1,"conn":1,"from":"agent","connection":"lost"}\n`, 'line 3, connection: expected open, end, close or error'],
    [`${HEAD}\n{"t":1,"conn":1,"from":"agent"}\n`, 'line 2, event: expected one of call, event, status'],
    [`${HEAD}\n{"t":1,"conn":1,"from":"agent","event":{"type":"KILL"}}\n`, 'line 2, event: '],
  ])('%j is refused: %s', (text, message) => {
    expect(() => readRecording(text)).toThrow(message);
  });

  it('takes what the header lacks from the lines below it', () => {
    const update = '{"t":1,"conn":1,"from":"executor","call":{"type":"UPDATE","executor_id":{"value":"e"},"framework_id":{"value":"f"},"update":{"status":{"task_id":{"value":"one"},"state":"TASK_FAILED","uuid":"AAAAAAAAQAAAAAAAAAAAAA=="}}}}';
    const { header } = readRecording(`{"format":"km-recording/1"}\n${update}\n${update}\n{"t":2,"conn":1,"from":"agent","event":{"type":"SHUTDOWN"}}\n`);
    expect(header).toMatchObject({ contentType: 'application/json', expect: { one: ['TASK_FAILED'] }, environment: {}, title: '' });
  });
});

describe('the states that count', () => {
  it.each([
    [['TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_RUNNING', 'TASK_KILLED'], ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLED']],
    [['TASK_ERROR'], ['TASK_ERROR']],
    [['TASK_RUNNING', 'TASK_KILLED', 'TASK_KILLED'], ['TASK_RUNNING', 'TASK_KILLED', 'TASK_KILLED']],
  ])('of %j are %j', (states, essential) => {
    expect(essentialStates(states)).toEqual(essential);
  });
});
