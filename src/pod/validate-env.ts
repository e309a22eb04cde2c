import { ENV_FIELDS, ENV_RESOURCES, subscripted } from './downward.ts';
import { shown, type Faults } from './faults.ts';
import { formatQuantity, tryParseQuantity } from './quantity.ts';
import { checkDataKey, checkEnvName, checkOneOf, checkQualifiedName, checkSubdomain } from './rules.ts';
import type { Container, EnvVar } from './types.ts';

/** Kubernetes v1.20 pkg/apis/core/validation ValidateEnv, ValidateEnvFrom. */
export function checkEnvironment({ env = [], envFrom = [] }: Container, path: string, faults: Faults): void {
  for (const [i, variable] of env.entries()) checkVariable(variable, `${path}.env[${i}]`, faults);
  for (const [i, { prefix = '', secretRef, configMapRef }] of envFrom.entries()) {
    const at = `${path}.envFrom[${i}]`;
    if (prefix !== '') checkEnvName(prefix, `${at}.prefix`, faults);
    if (secretRef === undefined && configMapRef === undefined) faults.add(at, 'must specify one of: configMapRef or secretRef');
    if (secretRef !== undefined && configMapRef !== undefined) faults.add(at, 'may not have more than one field specified at a time');
    if (secretRef !== undefined) checkObjectName(secretRef.name, `${at}.secretRef.name`, faults);
    if (configMapRef !== undefined) checkObjectName(configMapRef.name, `${at}.configMapRef.name`, faults);
  }
}

function checkVariable({ name = '', value = '', valueFrom }: EnvVar, at: string, faults: Faults): void {
  checkEnvName(name, `${at}.name`, faults);
  if (value.includes('\0')) faults.add(`${at}.value`, 'must not contain a zero byte');
  if (valueFrom === undefined) return;
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  const field = `${at}.valueFrom`;
  const sources = [fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef].filter((source) => source !== undefined).length;
  if (sources === 0) faults.add(field, 'must specify one of: fieldRef, resourceFieldRef, configMapKeyRef or secretKeyRef');
  else if (sources > 1) faults.add(field, 'may not have more than one field specified at a time');
  else if (value !== '') faults.add(field, 'may not be specified when value is not empty');
  if (fieldRef !== undefined) checkFieldPath(fieldRef.apiVersion ?? '', fieldRef.fieldPath ?? '', `${field}.fieldRef`, faults);
  if (resourceFieldRef !== undefined) checkResourceField(resourceFieldRef, `${field}.resourceFieldRef`, faults);
  if (secretKeyRef !== undefined) checkKeyRef(secretKeyRef, `${field}.secretKeyRef`, faults);
  if (configMapKeyRef !== undefined) checkKeyRef(configMapKeyRef, `${field}.configMapKeyRef`, faults);
}

function checkFieldPath(apiVersion: string, fieldPath: string, at: string, faults: Faults): void {
  if (apiVersion !== 'v1') faults.add(`${at}.apiVersion`, `${shown(apiVersion)}: must be v1`);
  const field = `${at}.fieldPath`;
  const part = subscripted(fieldPath);
  if (part !== undefined) checkQualifiedName(part.map === 'annotations' ? part.key.toLowerCase() : part.key, field, faults);
  else if (fieldPath === '') faults.add(field, 'required');
  else if (fieldPath !== 'spec.host') checkOneOf(fieldPath, ENV_FIELDS, field, faults);
}

/** Kubernetes v1.20 validateContainerResourceDivisor. */
const CPU_DIVISORS = ['1m', '1'];
const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** A resource of a container, for a variable or a file. */
export function checkResourceField({ resource = '', divisor = '0' }: { resource?: string; divisor?: string }, at: string, faults: Faults): void {
  checkOneOf(resource, ENV_RESOURCES, `${at}.resource`, faults);
  const quantity = tryParseQuantity(divisor);
  const allowed = resource.endsWith('.cpu') ? CPU_DIVISORS : BYTE_DIVISORS;
  if (quantity === undefined || quantity.nano === 0n || allowed.includes(formatQuantity(quantity))) return;
  faults.add(`${at}.divisor`, `${shown(divisor)}: must be one of ${allowed.join(', ')}`);
}

function checkKeyRef({ name, key }: { name?: string; key?: string }, at: string, faults: Faults): void {
  checkObjectName(name, `${at}.name`, faults);
  if (key === undefined || key === '') faults.add(`${at}.key`, 'required');
  else checkDataKey(key, `${at}.key`, faults);
}

function checkObjectName(name: string | undefined, field: string, faults: Faults): void {
  if (name === undefined || name === '') faults.add(field, 'required');
  else checkSubdomain(name, field, faults);
}
