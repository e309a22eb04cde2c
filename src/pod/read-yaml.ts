import { Composer, isScalar, Parser, visit, type Document, type ScalarTag } from 'yaml';

import { KmError, messageOf } from '../base/index.ts';

/** Characters; more of YAML takes long to read, and no pod needs it. */
const MOST_CHARACTERS = 256 * 1024;
/** Aliases may make a document this many times larger, not more. */
const MOST_ALIASES = 100;

/** `0644` is octal, as in the YAML 1.1 that Kubernetes reads. */
const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

/**
 * The one document in `text`; empty ones beside it do not count. Throws KmError `invalid` for faults of syntax, keys that are there
 * twice, several documents, alias bombs. Gives up at the first fault.
 */
export function parseYaml(text: string): unknown {
  if (text.length > MOST_CHARACTERS) {
    throw new KmError('invalid', `data: no JSON, and larger than the ${MOST_CHARACTERS / 1024} KiB that YAML may have`);
  }
  try {
    const document = onlyDocument(text);
    if (document === undefined) return undefined;
    check(document);
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (cause) {
    if (cause instanceof KmError) throw cause;
    const why = cause instanceof RangeError ? 'nested too deep' : messageOf(cause).slice(0, 300);
    throw new KmError('invalid', `data: not valid YAML: ${why}`, { cause });
  }
}

function onlyDocument(text: string): Document | undefined {
  // `uniqueKeys`: the library's own check takes quadratic time; `check` does it.
  const composer = new Composer({ schema: 'core', merge: true, uniqueKeys: false, customTags: (tags) => [octal, ...tags] });
  let found: Document | undefined;
  for (const document of composer.compose(tokens(text), false, text.length)) {
    const error = document.errors[0];
    if (error !== undefined) throw error;
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue;
    if (found !== undefined) throw new KmError('invalid', 'data: several YAML documents; must be one object');
    found = document;
  }
  return found;
}

function* tokens(text: string): ReturnType<Parser['parse']> {
  for (const token of new Parser().parse(text)) {
    if (token.type === 'error') throw new KmError('invalid', `data: not valid YAML: ${token.message.slice(0, 300)}`);
    yield token;
  }
}

/** No key twice, and no alias to what it is part of: that would have no end. */
function check(document: Document): void {
  visit(document, {
    Map(_key, node) {
      const keys = new Set<unknown>();
      for (const { key } of node.items) {
        const value = isScalar(key) ? key.value : key;
        if (keys.has(value)) throw new KmError('invalid', `data: the key ${JSON.stringify(value)} is there twice`);
        keys.add(value);
      }
    },
    Alias(_key, node, path) {
      const target = node.resolve(document);
      if (target !== undefined && path.some((part) => part === target)) {
        throw new KmError('invalid', `data: the alias *${node.source} is part of itself`);
      }
    },
  });
}
