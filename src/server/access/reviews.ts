import type { KubernetesClient } from '../../kubernetes/index.ts';
import type { AccessQuestion } from './attributes.ts';
import type { User } from './user.ts';

/** Longest wait for the API's verdict, milliseconds. */
const TIMEOUT_MS = 10_000;

/** What the Kubernetes API says of tokens and of what a user may do. Both throw `KmError` when it cannot say. */
export interface Reviews {
  /** Whose token it is; `undefined`: nobody's. */
  token(token: string): Promise<User | undefined>;
  allowed(user: User, question: AccessQuestion): Promise<boolean>;
}

interface TokenReview {
  status?: { authenticated?: boolean; user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> } };
}

interface SubjectAccessReview {
  status?: { allowed?: boolean; denied?: boolean };
}

/** Asks by creating a TokenReview or a SubjectAccessReview. */
export function apiReviews(client: KubernetesClient): Reviews {
  return {
    token: async (token) => {
      const { status } = await client.create<TokenReview>(
        { apiVersion: 'authentication.k8s.io/v1', resource: 'tokenreviews' },
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } },
        { timeoutMs: TIMEOUT_MS },
      );
      const { username, uid, groups, extra } = status?.user ?? {};
      if (status?.authenticated !== true || username === undefined) return undefined;
      return { name: username, groups: groups ?? [], ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) };
    },
    allowed: async ({ name, uid, groups, extra }, { verb, subresource, node }) => {
      const { status } = await client.create<SubjectAccessReview>(
        { apiVersion: 'authorization.k8s.io/v1', resource: 'subjectaccessreviews' },
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          metadata: {},
          spec: { user: name, uid, groups, extra, resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: node } },
        },
        { timeoutMs: TIMEOUT_MS },
      );
      return status?.allowed === true && status.denied !== true;
    },
  };
}
