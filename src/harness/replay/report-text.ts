import { styleText } from 'node:util';
import type { ReplayReport } from './run-replay.ts';
import type { Lane, TimelineEntry, Tone } from './timeline.ts';

export interface TextOptions {
  /** Characters in a line. */
  readonly columns: number;
  readonly color: boolean;
}

const TIME = 8;
const GAP = 2;
const TITLES: Readonly<Record<Lane, string>> = { agent: 'agent sent', executor: 'executor answered', kubernetes: 'Kubernetes API saw' };
const SHARES: Readonly<Record<Lane, number>> = { agent: 0.27, executor: 0.33, kubernetes: 0.4 };
const LANES = ['agent', 'executor', 'kubernetes'] as const;
type Style = Parameters<typeof styleText>[0];
const STYLES: Readonly<Record<Tone, Style | undefined>> = { plain: undefined, quiet: 'dim', bad: 'red' };

/** A replay as text for people: three lanes, times in milliseconds, then the verdict. Every line can be printed as it comes. */
export class TextReport {
  readonly #options: TextOptions;
  readonly #widths: Readonly<Record<Lane, number>>;

  constructor(options: TextOptions) {
    this.#options = options;
    const room = Math.max(options.columns, 80) - TIME - LANES.length * GAP;
    this.#widths = { agent: Math.floor(room * SHARES.agent), executor: Math.floor(room * SHARES.executor), kubernetes: Math.floor(room * SHARES.kubernetes) };
  }

  head(title: string, agent: string, contentType: string): string {
    const columns = LANES.map((lane) => TITLES[lane].padEnd(this.#widths[lane] + GAP)).join('');
    return `${this.#style('bold', title)}\nrecorded from ${agent}, ${contentType}\n\n${this.#style('bold', `${'ms'.padStart(TIME)}${' '.repeat(GAP)}${columns}`.trimEnd())}\n`;
  }

  entry({ atMs, lane, text, tone }: TimelineEntry): string {
    const indent = LANES.slice(0, LANES.indexOf(lane)).reduce((sum, before) => sum + this.#widths[before] + GAP, TIME + GAP);
    const [first = '', ...more] = wrapped(text, this.#widths[lane]);
    const style = STYLES[tone];
    const styled = (line: string): string => (style === undefined ? line : this.#style(style, line));
    const time = this.#style('dim', String(atMs).padStart(TIME));
    return [`${time}${' '.repeat(indent - TIME)}${styled(first)}`, ...more.map((line) => `${' '.repeat(indent)}${styled(line)}`)].join('\n') + '\n';
  }

  verdict(report: ReplayReport): string {
    const width = Math.max(0, ...report.tasks.map(({ taskId }) => taskId.length));
    const tasks = report.tasks.map(({ taskId, reported, agrees }) => `${this.#mark(agrees)} ${taskId.padEnd(width)}  ${reported.join(' ') || 'nothing reported'}`);
    const seconds = `${(report.durationMs / 1000).toFixed(1)} s`;
    const summary = report.agrees
      ? this.#style(['bold', 'green'], `agrees with the recording, ${seconds}`)
      : this.#style(['bold', 'red'], `differs from the recording, ${seconds}:`);
    const differences = report.differences.map((difference) => `  - ${difference}`);
    const log = report.agrees || report.executorLog.length === 0 ? [] : ['', 'the last that the executor wrote:', ...report.executorLog.map((line) => this.#style('dim', `  | ${line}`))];
    const kept = report.directory === undefined ? [] : [`the executor's files are in ${report.directory}`];
    return `\n${[...tasks, `  ${executorsEnd(report)}`, ...kept, '', summary, ...differences, ...log].join('\n')}\n`;
  }

  #mark(good: boolean): string {
    return good ? this.#style('green', '✓') : this.#style('red', '✗');
  }

  #style(style: Style, text: string): string {
    return this.#options.color ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** How the executor ended and what it left, in a sentence. */
export function executorsEnd({ executor, containersLeft }: ReplayReport): string {
  const { exitCode, shutdownMs, shutdownGraceMs } = executor;
  const exit = exitCode === undefined ? 'the executor had to be ended' : exitCode === null ? 'the executor was ended by a signal' : `the executor exited with ${exitCode}`;
  const took = shutdownMs === undefined ? '' : `, ${shutdownMs} ms after SHUTDOWN (grace ${shutdownGraceMs} ms)`;
  const left = containersLeft === undefined ? 'Docker was not asked for leftovers' : containersLeft.length === 0 ? 'no container left' : `${containersLeft.length} containers left`;
  return `${exit}${took}; ${left}`;
}

/** Breaks a text at spaces into lines of at most `width` characters; lines after the first are indented by two. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    let rest = word;
    if (line !== '' && line.trim() !== '' && line.length + 1 + rest.length > width) {
      lines.push(line);
      line = '  ';
    }
    line = line.trim() === '' ? `${line}${rest}` : `${line} ${rest}`;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      rest = line.slice(width);
      line = `  ${rest}`;
    }
  }
  if (line.trim() !== '') lines.push(line);
  return lines;
}
