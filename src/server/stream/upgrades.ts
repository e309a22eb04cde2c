import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf, systemClock, type Clock } from '../../base/index.ts';
import { silentLogger, type Logger } from '../../telemetry/index.ts';
import type { PortForwardUpgrade, RemoteCommandUpgrade } from '../contract.ts';
import { portForwardOverSpdy, portForwardOverWebSocket, type Forwarding } from './port-forward.ts';
import { remoteCommandOverSpdy, remoteCommandOverWebSocket, type RemoteCommand } from './remote-command.ts';
import { isWebSocketRequest } from './upgrade.ts';

export interface StreamOptions {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** A connection on which nothing came or went for so long is closed, milliseconds; 0: never; 4 hours unless told (`--streaming-connection-idle-timeout`). */
  readonly idleTimeoutMs?: number;
  /** How long a client may take to open the streams that belong together, milliseconds; 30 seconds unless told. */
  readonly creationTimeoutMs?: number;
}

export interface StreamUpgrades {
  readonly remoteCommand: RemoteCommandUpgrade;
  readonly portForward: PortForwardUpgrade;
}

/** The protocols of exec, attach, run and port-forward with these time limits. Both take over the socket and see to its end. */
export function streamUpgrades(options: StreamOptions = {}): StreamUpgrades {
  const { clock = systemClock, logger = silentLogger, idleTimeoutMs = 4 * 3_600_000, creationTimeoutMs = 30_000 } = options;
  const limits = { clock, idleTimeoutMs: idleTimeoutMs === 0 ? Infinity : idleTimeoutMs, creationTimeoutMs };
  const served = (request: IncomingMessage, socket: Duplex, serving: Promise<void>): void => {
    serving.catch((error: unknown) => {
      logger.warn('a stream failed', { path: request.url?.split('?')[0], error: messageOf(error) });
      socket.destroy();
    });
  };
  return {
    remoteCommand: (request, socket, head, wanted, run) => {
      const command: RemoteCommand = { request, socket, head, wanted, run, limits };
      served(request, socket, isWebSocketRequest(request) ? remoteCommandOverWebSocket(command) : remoteCommandOverSpdy(command));
    },
    portForward: (request, socket, head, dial) => {
      const forwarding: Forwarding = { request, socket, head, dial, limits };
      served(request, socket, isWebSocketRequest(request) ? portForwardOverWebSocket(forwarding) : portForwardOverSpdy(forwarding));
    },
  };
}
