import type { IncomingMessage } from 'node:http';
import { messageOf } from '../../base/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { Refusal } from '../http/answer.ts';
import { accessQuestion } from './attributes.ts';
import type { Authenticator } from './authenticator.ts';
import type { Authorizer } from './authorizer.ts';
import type { User } from './user.ts';

export interface Gate {
  /** Resolves with who asks. Throws a `Refusal` (401, 403, 500) with the kubelet's words. */
  admit(request: IncomingMessage, path: string): Promise<User>;
}

/** Nobody gets past it who is not known and allowed (Kubernetes v1.20 pkg/kubelet/server/server.go, InstallAuthFilter). */
export function createGate(options: { authenticator: Authenticator; authorizer: Authorizer; nodeName: () => string; logger: Logger }): Gate {
  const { authenticator, authorizer, nodeName, logger } = options;
  return {
    admit: async (request, path) => {
      const user = await authenticator.authenticate(request).catch((error: unknown) => {
        logger.warn('a request to the node could not be authenticated', { error: messageOf(error) });
        return undefined;
      });
      if (user === undefined) throw Refusal.of(401, 'Unauthorized');
      const question = accessQuestion(request.method ?? '', path, nodeName());
      const details = `(user=${user.name}, verb=${question.verb}, resource=nodes, subresource=${question.subresource})`;
      let allowed: boolean;
      try {
        allowed = await authorizer.allowed(user, question);
      } catch (error) {
        logger.warn('a request to the node could not be authorized', { user: user.name, error: messageOf(error) });
        throw Refusal.of(500, `Authorization error ${details}`);
      }
      if (!allowed) throw Refusal.of(403, `Forbidden ${details}`);
      return user;
    },
  };
}
