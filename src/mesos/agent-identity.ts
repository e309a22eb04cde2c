import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { TlsSettings } from './environment.ts';

/** What is known of the agent before its certificate is seen. */
export interface AgentIdentity {
  /** Its address, or a name. */
  readonly host: string;
  /** What the address resolves back to, where that counts (`needsName`). */
  readonly name?: string | undefined;
}

/** Whether the name that the agent's address resolves back to has to be known. */
export function needsName(host: string, { verify, scheme }: TlsSettings): boolean {
  return verify && scheme === 'legacy' && isIP(host) !== 0;
}

/**
 * Why a certificate, signed by a known authority, is not the agent's; undefined where it is. By the rules of libprocess (Mesos docs/ssl.md, HOSTNAME_VALIDATION_SCHEME,
 * VERIFY_IPADD, VERIFY_DEPTH): `openssl` compares with what was connected to, `legacy` with the name that the address resolves back to, letter for letter.
 */
export function identityFault({ host, name }: AgentIdentity, certificate: PeerCertificate, settings: TlsSettings): string | undefined {
  const between = intermediatesOf(certificate);
  if (between > settings.verifyDepth) return `its certificate is ${between} authorities away from a known one, more than LIBPROCESS_SSL_VERIFY_DEPTH`;
  if (isIP(host) === 0) return checkServerIdentity(host, certificate)?.message;
  const byAddress = checkServerIdentity(host, certificate)?.message;
  if (settings.verifyAddress && byAddress === undefined) return undefined;
  if (settings.scheme === 'openssl') return settings.verifyAddress ? byAddress : `it is known by its address ${host}, and LIBPROCESS_SSL_VERIFY_IPADD is not set`;
  // An address that resolves to no name is its own name to libprocess.
  const expected = (name ?? host).toLowerCase();
  const names = namesIn(certificate);
  return names.includes(expected) ? undefined : `its certificate is for ${names.join(', ') || 'nobody'}, not for ${expected}, which its address ${host} resolves to`;
}

function namesIn({ subject, subjectaltname = '' }: PeerCertificate): string[] {
  const alternatives = subjectaltname.split(', ').filter((entry) => entry.startsWith('DNS:')).map((entry) => entry.slice('DNS:'.length));
  const common = (subject as { readonly CN?: string | string[] } | undefined)?.CN ?? [];
  return [...alternatives, ...[common].flat()].map((one) => one.toLowerCase());
}

/** Authorities between the certificate and the one that nobody else has signed. */
function intermediatesOf(certificate: PeerCertificate): number {
  const chain = new Set<unknown>();
  for (let at: Partial<{ issuerCertificate: unknown }> | undefined = certificate as object; at !== undefined && !chain.has(at); at = at.issuerCertificate as object | undefined) chain.add(at);
  return Math.max(0, chain.size - 2);
}
