import { isIP } from 'node:net';

import { shown, type Faults } from './faults.ts';

/*
 * The forms of names and numbers in the Kubernetes API: Kubernetes v1.20 apimachinery pkg/util/validation. All expressions are linear in
 * the text, and lengths are looked at first.
 */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const PORT_NAME = /^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
/** What a variable may be called: no digit first (Kubernetes v1.20 IsEnvVarName). */
export const ENV_NAME = /^(?!\.$|\.\.)[-._a-zA-Z][-._a-zA-Z0-9]*$/;
const DATA_KEY = /^[-._a-zA-Z0-9]+$/;
const HEADER_NAME = /^[-A-Za-z0-9]+$/;
const CONDITION = "want letters, digits, '-', '_' or '.', with a letter or digit at both ends, at most 63 characters";

export function checkLabel(text: string, field: string, faults: Faults): void {
  if (text.length > 63 || !LABEL.test(text)) {
    faults.add(field, `${shown(text)} is not a DNS-1123 label: want lower case letters, digits or '-', at most 63, a letter or digit at both ends`);
  }
}

export function checkSubdomain(text: string, field: string, faults: Faults): void {
  if (text.length > 253 || !text.split('.').every((part) => LABEL.test(part))) {
    const form = "want lower case letters, digits, '-' or '.', at most 253, a letter or digit at both ends of each part";
    faults.add(field, `${shown(text)} is not a DNS-1123 subdomain: ${form}`);
  }
}

/** `name` or `prefix/name`, as label keys and condition types are. */
export function checkQualifiedName(text: string, field: string, faults: Faults): void {
  const slash = text.lastIndexOf('/');
  const name = text.slice(slash + 1);
  const prefix = text.slice(0, Math.max(slash, 0));
  if (name.length > 63 || !QUALIFIED.test(name)) faults.add(field, `${shown(text)} is not a qualified name: ${CONDITION}`);
  if (slash >= 0) checkSubdomain(prefix, field, faults);
}

export function checkLabelValue(text: string, field: string, faults: Faults): void {
  if (text !== '' && (text.length > 63 || !QUALIFIED.test(text))) faults.add(field, `${shown(text)} is not a label value: ${CONDITION}`);
}

export function checkEnvName(text: string, field: string, faults: Faults): void {
  if (text === '') faults.add(field, 'required');
  else if (!ENV_NAME.test(text)) faults.add(field, `${shown(text)} is not a variable name: want letters, digits, '_', '-' or '.', no digit first`);
}

/** A key of a secret or config map (IsConfigMapKey). */
export function checkDataKey(text: string, field: string, faults: Faults): void {
  if (text.length > 253 || !DATA_KEY.test(text)) faults.add(field, `${shown(text)} is not a key: want letters, digits, '-', '_' or '.', at most 253`);
  else if (text.startsWith('..') || text === '.') faults.add(field, `${shown(text)} is not a key: must not be '.' or start with '..'`);
}

export function checkPortNumber(port: number, field: string, faults: Faults): void {
  if (port < 1 || port > 65_535) faults.add(field, `${port} is not a port: must be between 1 and 65535`);
}

export function checkPortName(text: string, field: string, faults: Faults): void {
  if (text.length > 15 || !PORT_NAME.test(text)) {
    faults.add(field, `${shown(text)} is not a port name: want lower case letters, digits and single '-' between them, at most 15, one letter at least`);
  }
}

export function checkHeaderName(text: string, field: string, faults: Faults): void {
  if (!HEADER_NAME.test(text)) faults.add(field, `${shown(text)} is not an HTTP header name`);
}

export function checkIp(text: string, field: string, faults: Faults): void {
  if (isIP(text) === 0) faults.add(field, `${shown(text)} is not an IP address`);
}

export function checkOneOf(text: string, allowed: readonly string[], field: string, faults: Faults): void {
  if (!allowed.includes(text)) faults.add(field, `${shown(text)}: must be one of ${allowed.map((a) => `"${a}"`).join(', ')}`);
}

export function checkRange(value: number | undefined, least: number, most: number, field: string, faults: Faults): void {
  if (value !== undefined && (value < least || value > most)) faults.add(field, `${value}: must be between ${least} and ${most}`);
}

/** A path below something that must not be left. */
export function checkDescending(path: string, field: string, faults: Faults): void {
  if (path.startsWith('/')) faults.add(field, `${shown(path)}: must be a relative path`);
  if (path.split('/').includes('..')) faults.add(field, `${shown(path)}: must not contain '..'`);
  if (path.includes('\0')) faults.add(field, `${shown(path)}: must not contain a zero byte`);
}
