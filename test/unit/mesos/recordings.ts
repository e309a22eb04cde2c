import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of a recording, see test/recordings/README.md. */
export interface Line {
  readonly t: number;
  readonly conn: number;
  readonly from: 'agent' | 'executor';
  readonly call?: unknown;
  readonly event?: unknown;
  readonly base64?: string;
  readonly status?: number;
  readonly body?: string;
  readonly connection?: 'open' | 'end' | 'close' | 'error';
  readonly end?: boolean;
}

export interface Recording {
  readonly name: string;
  readonly header: { readonly contentType: string; readonly environment: Record<string, string>; readonly expect: Record<string, string[]> };
  readonly lines: readonly Line[];
}

const root = join(import.meta.dirname, '../../recordings');

/** Every recording that the repository holds, by `folder/name`. */
export function recordings(): Recording[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => {
      const [header, ...lines] = readFileSync(join(root, name), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown);
      return { name: name.replace(/\.jsonl$/, ''), header: header as Recording['header'], lines: lines as Line[] };
    });
}
