import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { createLogger, type Logger } from '../../../src/telemetry/index.ts';

function allLevels(logger: Logger): void {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
}

it('a level that is set later holds for the whole family', () => {
  const lines: string[] = [];
  const stream = new Writable({ decodeStrings: false, write: (line: string, _encoding, done) => (lines.push((JSON.parse(line) as { msg: string }).msg), done()) });
  const logger = createLogger({ level: 'warn', format: 'json', stream });
  const child = logger.child({ part: 'child' });
  const grandchild = child.child({ part: 'grandchild' });
  const said = (): string[] => lines.splice(0);

  allLevels(grandchild);
  expect(said()).toEqual(['warn', 'error']);
  child.setLevel('debug');
  for (const one of [logger, child, grandchild]) allLevels(one);
  expect(said()).toEqual(Array.from({ length: 3 }, () => ['debug', 'info', 'warn', 'error']).flat());
  logger.setLevel('error');
  allLevels(grandchild);
  expect(said()).toEqual(['error']);
});

it('leaves lines out while nobody reads them, and then says how many', async () => {
  let text = '';
  const reader = Promise.withResolvers<void>();
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      text += chunk;
      void reader.promise.then(() => done());
    },
  });
  const logger = createLogger({ level: 'info', format: 'text', stream });
  for (let n = 0; n < 5000; n++) logger.info(`line ${n}`, { filler: 'x'.repeat(1000) });
  expect(stream.writableLength).toBeLessThan(1.1 * 2 ** 20);
  reader.resolve();
  await once(stream, 'drain');
  logger.info('the end');
  await expect.poll(() => text).toContain('the end');
  const lines = text.trimEnd().split('\n');
  expect(lines.at(-1)).toContain('the end');
  const [, left = ''] = / WARN  nobody has read the log for a while, lines are left out lines=(\d+)$/.exec(lines.at(-2) ?? '') ?? [];
  expect(Number(left)).toBe(5000 - (lines.length - 2));
});

it('an entry is one line of text, whatever a stranger has put into it', () => {
  const lines: string[] = [];
  const stream = new Writable({ decodeStrings: false, write: (line: string, _encoding, done) => (lines.push(line), done()) });
  const logger = createLogger({ level: 'info', format: 'text', stream });
  logger.info('a\nb', { path: '/x\r\n2026-01-01T00:00:00.000Z INFO  forged', more: ['\u009b2J\u007f'], tab: '\t', umlaut: 'ü' });
  expect(lines.map((line) => line.slice(25))).toEqual(['INFO  a\\nb path=/x\\r\\n2026-01-01T00:00:00.000Z INFO  forged more=["\\u009b2J\\u007f"] tab=\\t umlaut=ü\n']);
});
