import { KmError } from '../base/index.ts';
import { dataOf, type DataKind, type DataLookup, type DataRef } from './data-object.ts';
import { expand, expandWith } from './expand.ts';
import { fieldValue, type NodeAllocatable, resourceValue } from './downward.ts';
import { ENV_NAME } from './rules.ts';
import { serviceEnv, type Service } from './service-env.ts';
import type { Container, EnvVar, ValidPod } from './types.ts';

/** What the node knows that a container's environment may refer to. */
export interface EnvironmentGiven {
  readonly podIP?: string;
  readonly podIPs?: readonly string[];
  readonly hostIP?: string;
  readonly nodeName?: string;
  /** For `resourceFieldRef` to a limit that is not set. */
  readonly nodeAllocatable?: NodeAllocatable;
  /** All services the node knows; the ones that concern the pod are picked here. */
  readonly services?: readonly Service[];
  /** The secrets and config maps of the pod's namespace that its variables name (`environmentDataRefs`). */
  readonly object?: DataLookup;
}

export interface ContainerEnv {
  /** `NAME=value` lines for Docker. */
  readonly env: string[];
  /** Names in `env` of the spec that no container can have. */
  readonly skipped: string[];
  /** Keys of whole objects (`envFrom`) that cannot be variables; `source` is `secret namespace/name` or `configMap namespace/name`. */
  readonly skippedFrom: readonly { readonly source: string; readonly keys: readonly string[] }[];
}

/**
 * A container's variables: those of `envFrom`, overridden by those of `env` in the order of the spec, services last; a variable may refer
 * to those before it and to services. What was skipped is told with the event InvalidEnvironmentVariableNames. Throws KmError `workload`
 * when an object or key that may not be missing is.
 * Kubernetes v1.20 pkg/kubelet/kubelet_pods.go makeEnvironmentVariables.
 */
export function containerEnv(pod: ValidPod, container: Container, given: EnvironmentGiven): ContainerEnv {
  const services = serviceEnv(given.services ?? [], pod.metadata.namespace, pod.spec.enableServiceLinks !== false);
  const { variables: own, skippedFrom } = variablesFrom(pod, container, given.object ?? (() => undefined));
  const skipped: string[] = [];
  for (const variable of container.env ?? []) {
    if (!ENV_NAME.test(variable.name)) {
      skipped.push(variable.name);
      continue;
    }
    const value = valueOf(variable, pod, container, given, (name) => own.get(name) ?? services.get(name));
    if (value === undefined) continue;
    own.set(variable.name, value);
    services.delete(variable.name);
  }
  const rest = [...services].filter(([name]) => !own.has(name));
  return { env: [...own, ...rest].map(([name, value]) => `${name}=${value}`), skipped, skippedFrom };
}

/** The variables that whole secrets and config maps become; of two with one name the later one counts. */
function variablesFrom(pod: ValidPod, { envFrom = [] }: Container, object: DataLookup): { variables: Map<string, string>; skippedFrom: ContainerEnv['skippedFrom'] } {
  const variables = new Map<string, string>();
  const skippedFrom: { source: string; keys: string[] }[] = [];
  for (const { prefix = '', secretRef, configMapRef } of envFrom) {
    const source = configMapRef ?? secretRef;
    if (source?.name === undefined) continue;
    const ref: DataRef = { kind: configMapRef === undefined ? 'secret' : 'configMap', name: source.name };
    const keys: string[] = [];
    for (const [key, value] of dataOf(ref, source.optional, object).data) {
      const name = `${prefix}${key}`;
      if (ENV_NAME.test(name)) variables.set(name, value.toString());
      else keys.push(name);
    }
    if (keys.length > 0) skippedFrom.push({ source: `${ref.kind} ${pod.metadata.namespace}/${ref.name}`, keys: keys.sort() });
  }
  return { variables, skippedFrom };
}

function valueOf(
  variable: EnvVar,
  pod: ValidPod,
  container: Container,
  given: EnvironmentGiven,
  lookUp: (name: string) => string | undefined,
): string | undefined {
  if (variable.value !== undefined && variable.value !== '') return expandWith(variable.value, lookUp);
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {};
  if (fieldRef !== undefined) return fieldValue(pod, fieldRef.fieldPath, given);
  if (resourceFieldRef !== undefined) return resourceValue(pod, container, resourceFieldRef, given.nodeAllocatable);
  if (configMapKeyRef !== undefined) return keyOf('configMap', configMapKeyRef, pod, given);
  if (secretKeyRef !== undefined) return keyOf('secret', secretKeyRef, pod, given);
  return '';
}

/** One value of an object; undefined, so that the variable is not set at all, where it may be missing and is. */
function keyOf(kind: DataKind, ref: { name?: string; key: string; optional?: boolean }, { metadata }: ValidPod, { object }: EnvironmentGiven): string | undefined {
  const name = ref.name ?? '';
  const value = dataOf({ kind, name }, ref.optional, object ?? (() => undefined)).data.get(ref.key);
  if (value !== undefined || ref.optional === true) return value?.toString();
  throw new KmError('workload', `couldn't find key ${ref.key} in ${kind === 'secret' ? 'Secret' : 'ConfigMap'} ${metadata.namespace}/${name}`);
}

/** command and args with `$(VAR)` expanded from `env` (the lines of `containerEnv`); absent stays absent. */
export function containerCommand(container: Container, env: readonly string[]): { command?: string[]; args?: string[] } {
  const variables = toMap(env);
  const { command, args } = container;
  return {
    ...(command === undefined || command.length === 0 ? {} : { command: command.map((text) => expand(text, variables)) }),
    ...(args === undefined || args.length === 0 ? {} : { args: args.map((text) => expand(text, variables)) }),
  };
}

/**
 * `subPath`, or `subPathExpr` expanded; undefined when the whole volume is mounted. Throws KmError `workload` when a name in it has no
 * value or the result leaves the volume.
 */
export function volumeSubPath(mount: { subPath?: string; subPathExpr?: string }, env: readonly string[]): string | undefined {
  const { subPath, subPathExpr } = mount;
  if (subPathExpr === undefined || subPathExpr === '') return subPath === undefined || subPath === '' ? undefined : subPath;
  const variables = toMap(env);
  const missing: string[] = [];
  const path = expandWith(subPathExpr, (name) => {
    const value = variables.get(name) ?? '';
    if (value === '') missing.push(name);
    return value;
  });
  if (missing.length > 0) throw new KmError('workload', `subPathExpr "${subPathExpr}": missing value for ${missing.sort().join(', ')}`);
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw new KmError('workload', `subPathExpr "${subPathExpr}" becomes "${path}": must be a relative path without '..'`);
  }
  return path;
}

function toMap(env: readonly string[]): Map<string, string> {
  return new Map(
    env.map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}
