import { notAcceptable } from './api-error.ts';

/** In which form a client wants its answer. */
export interface Form {
  readonly encoding: 'json' | 'yaml';
  /** `table`: columns and rows for people. `metadata`: PartialObjectMetadata. */
  readonly shape: 'object' | 'table' | 'metadata';
  /** Value of Content-Type. */
  readonly mediaType: string;
}

interface MediaRange {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly quality: number;
}

/** The ranges of an Accept header, the most wanted first. */
export function parseAccept(header: string): MediaRange[] {
  return header
    .split(',')
    .map((part) => {
      const [type = '', ...pairs] = part.split(';').map((piece) => piece.trim());
      const parameters = Object.fromEntries(pairs.map((pair) => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)]));
      return { type: type.toLowerCase(), parameters, quality: Number(parameters['q'] ?? 1) };
    })
    .filter((range) => range.type !== '')
    .sort((a, b) => b.quality - a.quality);
}

/** The first form of the Accept header that this server has. Throws a 406. */
export function negotiate(header: string | undefined): Form {
  const ranges = parseAccept(header === undefined || header.trim() === '' ? '*/*' : header);
  for (const { type, parameters } of ranges) {
    const encoding = type === 'application/yaml' ? 'yaml' : ['application/json', 'application/*', '*/*'].includes(type) ? 'json' : undefined;
    const shape = shapeOf(parameters);
    if (encoding === undefined || shape === undefined) continue;
    const suffix = shape === 'object' ? '' : `;as=${parameters['as']};v=${parameters['v']};g=${parameters['g']}`;
    return { encoding, shape, mediaType: `application/${encoding}${suffix}` };
  }
  throw notAcceptable(['application/json', 'application/yaml']);
}

function shapeOf({ as, g, v }: Readonly<Record<string, string>>): Form['shape'] | undefined {
  if (as === undefined) return 'object';
  if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined;
  if (as === 'Table') return 'table';
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? 'metadata' : undefined;
}
