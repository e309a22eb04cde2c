import { expect, it } from 'vitest';
import { createLogger, type Logger } from '../../../src/telemetry/index.ts';

function allLevels(logger: Logger): void {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
}

it('a level that is set later holds for the whole family', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'warn', format: 'json', write: (line) => lines.push((JSON.parse(line) as { msg: string }).msg) });
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
