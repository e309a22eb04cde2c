import { VOLUME_FIELDS, subscripted } from './downward.ts';
import { shown, type Faults } from './faults.ts';
import { checkDescending, checkOneOf, checkQualifiedName, checkRange } from './rules.ts';
import type { Volume } from './types.ts';
import { checkResourceField } from './validate-env.ts';

type KeyToPath = { readonly key: string; readonly path: string; readonly mode?: number };
type DownwardFile = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];
type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

const MOST_MODE = 0o777;
const LEAST_TOKEN_SECONDS = 600;
const MOST_TOKEN_SECONDS = 2 ** 32;

/** Volumes whose files we write. Kubernetes v1.20 pkg/apis/core/validation validate{Secret,ConfigMap,DownwardAPI,Projected}VolumeSource. */
export function checkFileVolume({ secret, configMap, downwardAPI, projected }: Volume, at: string, faults: Faults): void {
  if (secret !== undefined) {
    required(secret.secretName, `${at}.secret.secretName`, faults);
    checkMode(secret.defaultMode, `${at}.secret.defaultMode`, faults);
    checkItems(secret.items, `${at}.secret`, faults);
  }
  if (configMap !== undefined) {
    required(configMap.name, `${at}.configMap.name`, faults);
    checkMode(configMap.defaultMode, `${at}.configMap.defaultMode`, faults);
    checkItems(configMap.items, `${at}.configMap`, faults);
  }
  if (downwardAPI !== undefined) {
    checkMode(downwardAPI.defaultMode, `${at}.downwardAPI.defaultMode`, faults);
    checkDownward(downwardAPI.items, `${at}.downwardAPI`, faults);
  }
  if (projected === undefined) return;
  checkMode(projected.defaultMode, `${at}.projected.defaultMode`, faults);
  const taken = new Set<string>();
  for (const [i, source] of (projected.sources ?? []).entries()) checkProjection(source, `${at}.projected.sources[${i}]`, taken, faults);
}

function checkProjection(source: Source, at: string, taken: Set<string>, faults: Faults): void {
  const { secret, configMap, downwardAPI, serviceAccountToken: token } = source;
  if (Object.keys(source).length > 1) faults.add(at, 'may not specify more than 1 volume type');
  if (secret !== undefined) {
    required(secret.name, `${at}.secret.name`, faults);
    checkItems(secret.items, `${at}.secret`, faults);
  }
  if (configMap !== undefined) {
    required(configMap.name, `${at}.configMap.name`, faults);
    checkItems(configMap.items, `${at}.configMap`, faults);
  }
  if (downwardAPI !== undefined) checkDownward(downwardAPI.items, `${at}.downwardAPI`, faults);
  for (const { path = '' } of [...(secret?.items ?? []), ...(configMap?.items ?? []), ...(downwardAPI?.items ?? [])]) {
    if (path !== '' && taken.has(path)) faults.add(at, `${shown(path)}: conflicting duplicate paths`);
    taken.add(path);
  }
  if (token === undefined) return;
  const path = `${at}.serviceAccountToken`;
  checkRange(token.expirationSeconds, LEAST_TOKEN_SECONDS, MOST_TOKEN_SECONDS, `${path}.expirationSeconds`, faults);
  checkPath(token.path, `${path}.path`, faults);
}

function checkItems(items: readonly KeyToPath[] = [], at: string, faults: Faults): void {
  for (const [i, { key, path, mode }] of items.entries()) {
    const item = `${at}.items[${i}]`;
    required(key, `${item}.key`, faults);
    checkPath(path, `${item}.path`, faults);
    checkMode(mode, `${item}.mode`, faults);
  }
}

function checkDownward(items: readonly DownwardFile[] = [], at: string, faults: Faults): void {
  for (const [i, { path, mode, fieldRef, resourceFieldRef }] of items.entries()) {
    const item = `${at}.items[${i}]`;
    checkPath(path, `${item}.path`, faults);
    checkMode(mode, `${item}.mode`, faults);
    if (fieldRef === undefined && resourceFieldRef === undefined) faults.add(item, 'required: one of fieldRef and resourceFieldRef');
    if (fieldRef !== undefined && resourceFieldRef !== undefined) faults.add(item, 'fieldRef and resourceFieldRef can not be specified simultaneously');
    if (fieldRef !== undefined) checkField(fieldRef.apiVersion ?? '', fieldRef.fieldPath ?? '', `${item}.fieldRef`, faults);
    if (resourceFieldRef === undefined) continue;
    required(resourceFieldRef.containerName, `${item}.resourceFieldRef.containerName`, faults);
    checkResourceField(resourceFieldRef, `${item}.resourceFieldRef`, faults);
  }
}

function checkField(apiVersion: string, fieldPath: string, at: string, faults: Faults): void {
  if (apiVersion !== 'v1') faults.add(`${at}.apiVersion`, `${shown(apiVersion)}: must be v1`);
  const field = `${at}.fieldPath`;
  const part = subscripted(fieldPath);
  if (part !== undefined) checkQualifiedName(part.map === 'annotations' ? part.key.toLowerCase() : part.key, field, faults);
  else if (fieldPath === '') faults.add(field, 'required');
  else checkOneOf(fieldPath, VOLUME_FIELDS, field, faults);
}

/** A file below the volume, clear of the names that the volume itself needs. */
function checkPath(path: string | undefined, field: string, faults: Faults): void {
  required(path, field, faults);
  const text = path ?? '';
  checkDescending(text, field, faults);
  if (text.startsWith('..') && !text.startsWith('../') && text !== '..') faults.add(field, `${shown(text)}: must not start with '..'`);
}

function checkMode(mode: number | undefined, field: string, faults: Faults): void {
  if (mode !== undefined && (mode < 0 || mode > MOST_MODE)) faults.add(field, `${mode}: must be a number between 0 and 0777 (octal), both inclusive`);
}

function required(text: string | undefined, field: string, faults: Faults): void {
  if (text === undefined || text === '') faults.add(field, 'required');
}
