import { field, type Cause } from './api-error.ts';
import type { Resource } from './resources.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_KEY = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_VALUE_WORDS =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED_NAME_WORDS =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** What is wrong with a name of the rules of DNS labels (RFC 1123), at most 63 characters. */
export function checkLabelName(path: string, name: string): Cause[] {
  return [...(name.length > 63 ? [field.invalid(path, name, 'must be no more than 63 characters')] : []), ...(LABEL.test(name) ? [] : [field.invalid(path, name, LABEL_WORDS)])];
}

function checkSubdomain(path: string, name: string): Cause[] {
  return [...(name.length > 253 ? [field.invalid(path, name, 'must be no more than 253 characters')] : []), ...(SUBDOMAIN.test(name) ? [] : [field.invalid(path, name, SUBDOMAIN_WORDS)])];
}

/** What is wrong with the name of an object of that resource. */
export function checkObjectName(resource: Resource, name: string): Cause[] {
  switch (resource.names) {
    case 'label':
      return checkLabelName('metadata.name', name);
    case 'subdomain':
      return checkSubdomain('metadata.name', name);
    case 'path-segment':
      return /^\.{1,2}$|[/%]/.test(name) ? [field.invalid('metadata.name', name, "may not be '.' or '..' or contain '/' or '%'")] : [];
  }
}

/** What is wrong with `metadata.labels` and `metadata.annotations`. */
export function checkLabels(labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>>): Cause[] {
  const causes: Cause[] = [];
  for (const [key, value] of Object.entries(labels)) {
    causes.push(...checkQualifiedName('metadata.labels', key));
    if (value.length > 63) causes.push(field.invalid('metadata.labels', value, 'must be no more than 63 characters'));
    if (value !== '' && !LABEL_KEY.test(value)) causes.push(field.invalid('metadata.labels', value, LABEL_VALUE_WORDS));
  }
  for (const key of Object.keys(annotations)) causes.push(...checkQualifiedName('metadata.annotations', key.toLowerCase()));
  return causes;
}

function checkQualifiedName(path: string, key: string): Cause[] {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) return [field.invalid(path, key, `a qualified name ${QUALIFIED_NAME_WORDS.slice('name part '.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`)];
  const causes: Cause[] = [];
  if (parts.length === 2 && parts[0] === '') causes.push(field.invalid(path, key, 'prefix part must be non-empty'));
  else if (parts.length === 2 && !SUBDOMAIN.test(parts[0] ?? '')) causes.push(field.invalid(path, key, `prefix part ${SUBDOMAIN_WORDS}`));
  if (name === '') causes.push(field.invalid(path, key, 'name part must be non-empty'));
  if (name.length > 63) causes.push(field.invalid(path, key, 'name part must be no more than 63 characters'));
  if (!LABEL_KEY.test(name)) causes.push(field.invalid(path, key, QUALIFIED_NAME_WORDS));
  return causes;
}
