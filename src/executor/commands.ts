/** What a framework may have an executor do by a MESSAGE. */
export interface Commands {
  /** For the answer to `km:status`. */
  readonly status: () => object;
  readonly drain: () => void;
  /** A new worker takes over, of what the installation is by then; pods go on. */
  readonly restart: () => void;
  readonly shutdown: (message: string) => void;
}

/** Does what a MESSAGE says, and gives the answer to send back; `undefined` for one that is not understood. */
export function obey(data: Uint8Array, commands: Commands): object | undefined {
  const text = data.length > 64 ? '' : Buffer.from(data).toString().trim();
  switch (text) {
    case 'km:status':
      break;
    case 'km:drain':
      commands.drain();
      break;
    case 'km:restart':
      commands.restart();
      break;
    case 'kamikaze': // as kube-mesos-framework called it
      commands.shutdown('told by a message to end');
      break;
    default:
      return undefined;
  }
  return { kind: text, ...commands.status() };
}
