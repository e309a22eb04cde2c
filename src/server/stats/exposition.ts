/** One value of a metric, at a time (milliseconds since the epoch) where that matters. */
export interface Value {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  readonly at?: number;
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly values: readonly Value[];
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The text format of Prometheus, with times: what was counted is told at the moment at which it was counted, which prom-client
 * cannot do (since version 12). Metrics without values are left out.
 */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ values }) => values.length > 0)
    .map(({ name, help, type, values }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${values.map((value) => lineOf(name, value)).join('')}`)
    .join('');
}

function lineOf(name: string, { labels = {}, value, at }: Value): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}${at === undefined ? '' : ` ${Math.round(at)}`}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}
