import { lookupService } from 'node:dns/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, type PeerCertificate } from 'node:tls';
import { KmError } from '../base/index.ts';
import { identityFault, needsName } from './agent-identity.ts';
import type { AgentAddress, TlsSettings } from './environment.ts';

/** The part of `tls.connect`'s options that we set. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined;
  readonly ca?: (string | Buffer)[];
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ciphers?: string;
}

/**
 * Options for a TLS connection to the agent. Files are read anew each time, so that renewed certificates are taken. Throws code `invalid` when a
 * file cannot be read, `unavailable` when nobody knows which name the agent's address has.
 */
export async function tlsOptions(agent: AgentAddress, settings: TlsSettings): Promise<TlsOptions> {
  const name = needsName(agent.host, settings) ? await nameOf(agent) : undefined;
  try {
    return {
      rejectUnauthorized: settings.verify,
      checkServerIdentity: (_host, certificate) => {
        const fault = identityFault({ host: agent.host, name }, certificate, settings);
        return fault === undefined ? undefined : new Error(`this is not the agent: ${fault}`);
      },
      ...(settings.verify ? { ca: authorities(settings) } : {}),
      ...(settings.certFile === undefined ? {} : { cert: readFileSync(settings.certFile) }),
      ...(settings.keyFile === undefined ? {} : { key: readFileSync(settings.keyFile) }),
      ...(settings.ciphers === undefined ? {} : { ciphers: settings.ciphers }),
    };
  } catch (error) {
    throw new KmError('invalid', 'TLS to the agent', { cause: error });
  }
}

/** Undefined where the address has none. Not to know is no permission: it is tried again. */
async function nameOf({ host, port }: AgentAddress): Promise<string | undefined> {
  try {
    return (await lookupService(host, port)).hostname;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') return undefined;
    throw new KmError('unavailable', `the name of the agent's address ${host} cannot be looked up`, { cause: error });
  }
}

/** In a directory of authorities there may be other files. */
function authorities({ caFile, caDirectory }: TlsSettings): (string | Buffer)[] {
  if (caFile === undefined && caDirectory === undefined) return getCACertificates('system');
  const inDirectory = caDirectory === undefined ? [] : readdirSync(caDirectory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  const found = inDirectory.map((entry) => readFileSync(join(entry.parentPath, entry.name))).filter((bytes) => bytes.includes('-----BEGIN '));
  return [...(caFile === undefined ? [] : [readFileSync(caFile)]), ...found];
}
