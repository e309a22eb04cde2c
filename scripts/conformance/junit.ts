/** Results of a suite as ginkgo writes them: one junit file a process that ran specs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SpecResult {
  readonly name: string;
  readonly seconds: number;
  readonly state: 'passed' | 'failed';
  /** Where and why it failed. */
  readonly message: string;
  /** What it wrote. */
  readonly output: string;
}

/** Every spec that passed or failed; those that were not selected or skipped themselves are left out: junit does not tell them apart. */
export function readResults(folder: string): SpecResult[] {
  const files = readdirSync(folder).filter((name) => /^junit_.*\.xml$/.test(name));
  return files.flatMap((name) => [...parse(readFileSync(join(folder, name), 'utf8'))]).sort((a, b) => a.name.localeCompare(b.name));
}

/** The one shape that ginkgo's reporter gives it: attributes in double quotes, elements never empty-tagged, everything else escaped. */
function* parse(xml: string): Generator<SpecResult> {
  for (const [, attributes = '', body = ''] of xml.matchAll(/<testcase ([^>]*)>([\s\S]*?)<\/testcase>/g)) {
    if (body.includes('<skipped>')) continue;
    const failure = /<failure[^>]*>([\s\S]*?)<\/failure>/.exec(body)?.[1];
    yield {
      name: unescape(/name="([^"]*)"/.exec(attributes)?.[1] ?? ''),
      seconds: Number(/time="([^"]*)"/.exec(attributes)?.[1] ?? 0),
      state: failure === undefined ? 'passed' : 'failed',
      message: unescape(failure ?? ''),
      output: unescape(/<system-out>([\s\S]*?)<\/system-out>/.exec(body)?.[1] ?? ''),
    };
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(/&(?:#x([0-9A-Fa-f]+)|#(\d+)|(\w+));/g, (whole, hex?: string, decimal?: string, name?: string) => {
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name ?? ''] ?? whole;
  });
}
