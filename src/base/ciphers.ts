import { DEFAULT_CIPHERS } from 'node:tls';

/** As Go's servers choose: AES with keys of 128 bits where the client has it, which takes a third less time than Node's own first choice, of 256. */
export const CIPHERS = `TLS_AES_128_GCM_SHA256:${DEFAULT_CIPHERS}`;
