import { isObject, objectAt, textAt, type JsonObject } from './json.ts';
import type { User } from './call.ts';
import type { Resource } from './resources.ts';
import type { KubernetesObject } from './types.ts';
import type { Users } from './users.ts';

/**
 * Answers to questions that are asked by creating an object that is never stored: whose token is this, may that user do that. Everybody
 * who is known may do everything here.
 */
export function review(resource: Resource, asked: KubernetesObject, caller: User, users: Users): KubernetesObject {
  return { ...asked, metadata: { ...asked.metadata, creationTimestamp: undefined } as never, status: statusOf(resource.kind, objectAt(asked, 'spec'), caller, users) };
}

function statusOf(kind: string, spec: JsonObject, caller: User, users: Users): JsonObject {
  switch (kind) {
    case 'TokenReview':
      return tokenStatus(spec, users);
    case 'SelfSubjectReview':
      return { userInfo: userInfo(caller) };
    case 'SelfSubjectRulesReview':
      return { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }], incomplete: false };
    case 'SelfSubjectAccessReview':
      return { allowed: true };
    default:
      return textAt(spec, 'user') === 'system:anonymous' ? { allowed: false } : { allowed: true };
  }
}

function tokenStatus(spec: JsonObject, users: Users): JsonObject {
  const holder = users.holderOf(textAt(spec, 'token'));
  if (holder === undefined) return { user: {}, error: '[invalid bearer token, token lookup failed]' };
  const wanted = Array.isArray(spec['audiences']) ? spec['audiences'] : [];
  const audiences = wanted.length === 0 ? holder.audiences : holder.audiences.filter((audience) => wanted.includes(audience));
  if (audiences.length === 0) return { user: {}, error: '[invalid bearer token, token audiences are not those of the request]' };
  return { authenticated: true, user: userInfo(holder.user), audiences };
}

function userInfo({ name, uid, groups }: User): JsonObject {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups: [...groups] };
}

/** What a TokenRequest asks for. */
export function tokenRequestOf(spec: unknown): { seconds: number; audiences: string[]; bound: JsonObject } {
  const given = isObject(spec) ? spec : {};
  const seconds = typeof given['expirationSeconds'] === 'number' ? given['expirationSeconds'] : 3600;
  return { seconds, audiences: Array.isArray(given['audiences']) ? given['audiences'].map(String) : [], bound: objectAt(given, 'boundObjectRef') };
}
