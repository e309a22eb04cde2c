import { badRequest } from './api-error.ts';

/** True for what a selector lets through. */
export type Matcher = (values: Readonly<Record<string, string>>) => boolean;

const KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const SET = /^(?<key>\S+)\s+(?<operator>in|notin)\s*\((?<values>[^()]*)\)$/;
const COMPARED = /^(?<key>[^\s=!<>]+)\s*(?<operator>==|=|!=|>|<)\s*(?<value>[^\s=!<>]*)$/;
const EXISTS = /^(?<not>!?)\s*(?<key>[^\s=!<>(),]+)$/;

/**
 * A label selector as `labelSelector=` takes it: `a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x)`, `a`, `!a`, `a>1`, `a<1`, comma
 * means and. `!=` and `notin` let objects through that lack the label (apimachinery/pkg/labels). Throws a 400.
 */
export function parseLabelSelector(text: string): Matcher {
  const matchers = splitOutsideParentheses(text).map((part) => labelRequirement(part, text));
  return (labels) => matchers.every((matches) => matches(labels));
}

function labelRequirement(part: string, whole: string): Matcher {
  const set = SET.exec(part)?.groups;
  if (set !== undefined) {
    const key = checkedKey(set['key'], whole);
    const values = new Set((set['values'] ?? '').split(',').map((value) => checkedValue(value.trim(), whole)));
    return set['operator'] === 'in' ? (labels) => Object.hasOwn(labels, key) && values.has(labels[key] ?? '') : (labels) => !Object.hasOwn(labels, key) || !values.has(labels[key] ?? '');
  }
  const compared = COMPARED.exec(part)?.groups;
  if (compared !== undefined) return comparison(checkedKey(compared['key'], whole), compared['operator'] ?? '', checkedValue(compared['value'] ?? '', whole), whole);
  const exists = EXISTS.exec(part)?.groups;
  if (exists === undefined) throw unparsable(whole, `found '${part}'`);
  const key = checkedKey(exists['key'], whole);
  return exists['not'] === '!' ? (labels) => !Object.hasOwn(labels, key) : (labels) => Object.hasOwn(labels, key);
}

function comparison(key: string, operator: string, value: string, whole: string): Matcher {
  if ((operator === '>' || operator === '<') && !isInteger(value)) throw unparsable(whole, `for 'Gt', 'Lt' operators, the value must be an integer`);
  switch (operator) {
    case '!=':
      return (labels) => labels[key] !== value || !Object.hasOwn(labels, key);
    case '>':
      return (labels) => isInteger(labels[key]) && BigInt(labels[key] ?? '') > BigInt(value);
    case '<':
      return (labels) => isInteger(labels[key]) && BigInt(labels[key] ?? '') < BigInt(value);
    default:
      return (labels) => Object.hasOwn(labels, key) && labels[key] === value;
  }
}

/**
 * A field selector: `a=b`, `a==b`, `a!=b` joined by commas; `\,`, `\=` and `\\` escape. Only `supported` names are known, as on the real
 * server each resource has a list of them. Throws a 400.
 */
export function parseFieldSelector(text: string, supported: readonly string[]): Matcher {
  const terms = splitUnescaped(text).map((term) => {
    const match = /^((?:\\.|[^\\=!])*)(==|!=|=)((?:\\.|[^\\])*)$/s.exec(term);
    if (match === null) throw badRequest(`unable to parse field selector: invalid selector: '${text}'; can't understand '${term}'`);
    const [, name = '', operator = '', value = ''] = match;
    if (!supported.includes(name)) throw badRequest(`field label not supported: ${name}`);
    return { name, equal: operator !== '!=', value: value.replaceAll(/\\(.)/gs, '$1') };
  });
  return (fields) => terms.every(({ name, equal, value }) => ((fields[name] ?? '') === value) === equal);
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function splitUnescaped(text: string): string[] {
  return (text.match(/(?:\\.|[^\\,])+/gs) ?? []).map((part) => part.trim()).filter((part) => part !== '');
}

function checkedKey(key: string | undefined, whole: string): string {
  if (key === undefined || !KEY.test(key) || (key.split('/').at(-1) ?? '').length > 63) throw unparsable(whole, `invalid label key ${JSON.stringify(key)}`);
  return key;
}

function checkedValue(value: string, whole: string): string {
  if (!VALUE.test(value) || value.length > 63) throw unparsable(whole, `invalid label value ${JSON.stringify(value)}`);
  return value;
}

const isInteger = (text: string | undefined): boolean => text !== undefined && /^-?\d+$/.test(text);

const unparsable = (whole: string, why: string): Error => badRequest(`unable to parse requirement: ${why} in ${JSON.stringify(whole)}`);
