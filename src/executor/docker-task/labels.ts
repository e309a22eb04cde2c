import type { Label } from '../../mesos/index.ts';

/** Labels of Mesos that no annotation can be called are kept here, as JSON. */
const OTHERS = 'km.mesos/labels';
const NAME = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Each label is an annotation, and a label too where its text allows that. */
export function labelsOf(given: readonly Label[], more: Readonly<Record<string, string>>): { labels: Record<string, string>; annotations: Record<string, string> } {
  const all: (readonly [string, string])[] = [...given.map(({ key, value = '' }) => [key, value] as const), ...Object.entries(more)];
  const named = all.filter(([key]) => NAME.test(key));
  const others = all.filter(([key]) => !NAME.test(key));
  return {
    labels: Object.fromEntries(named.filter(([, value]) => VALUE.test(value))),
    annotations: { ...Object.fromEntries(named), ...(others.length === 0 ? {} : { [OTHERS]: JSON.stringify(Object.fromEntries(others)) }) },
  };
}
