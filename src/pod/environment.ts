import { KmError } from '../base/index.ts';
import { expand, expandWith } from './expand.ts';
import { fieldValue, resourceValue } from './downward.ts';
import { serviceEnv, type Service } from './service-env.ts';
import type { Container, EnvVar, ValidPod } from './types.ts';

/** What the node knows that a container's environment may refer to. */
export interface EnvironmentGiven {
  readonly podIP?: string;
  readonly podIPs?: readonly string[];
  readonly hostIP?: string;
  readonly nodeName?: string;
  /** For `resourceFieldRef` to a limit that is not set. */
  readonly nodeAllocatable?: { readonly cpuMilli: bigint; readonly memoryBytes: bigint };
  /** All services the node knows; the ones that concern the pod are picked here. */
  readonly services?: readonly Service[];
}

/** What a variable may be called: no digit first (Kubernetes v1.20 apimachinery util/validation IsEnvVarName). */
const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/**
 * `NAME=value` lines for Docker, in the order of the spec, services last; a variable may refer to those before it and to services.
 * `skipped` are the names no container can have (event InvalidEnvironmentVariableNames).
 * Kubernetes v1.20 pkg/kubelet/kubelet_pods.go makeEnvironmentVariables.
 */
export function containerEnv(pod: ValidPod, container: Container, given: EnvironmentGiven): { env: string[]; skipped: string[] } {
  const services = serviceEnv(given.services ?? [], pod.metadata.namespace, pod.spec.enableServiceLinks !== false);
  const own = new Map<string, string>();
  const skipped: string[] = [];
  for (const variable of container.env ?? []) {
    if (!ENV_NAME.test(variable.name)) {
      skipped.push(variable.name);
      continue;
    }
    own.set(variable.name, valueOf(variable, pod, container, given, (name) => own.get(name) ?? services.get(name)));
    services.delete(variable.name);
  }
  return { env: [...own, ...services].map(([name, value]) => `${name}=${value}`), skipped };
}

function valueOf(
  variable: EnvVar,
  pod: ValidPod,
  container: Container,
  given: EnvironmentGiven,
  lookUp: (name: string) => string | undefined,
): string {
  if (variable.value !== undefined && variable.value !== '') return expandWith(variable.value, lookUp);
  const { fieldRef, resourceFieldRef } = variable.valueFrom ?? {};
  if (fieldRef !== undefined) return fieldValue(pod, fieldRef.fieldPath, given);
  if (resourceFieldRef !== undefined) return resourceValue(pod, container, resourceFieldRef, given.nodeAllocatable);
  return '';
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
