// Where a service listens for browsers, besides its listener with the market's own certificates, which browsers do not
// know: with a certificate that they trust, or without one on an address that does not leave this machine.
import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import { z } from "zod";
import type { Clock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import { LIMITS, TLS_SETTINGS } from "./limits.ts";

/** Whether what is sent to a host never leaves the machine. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

export const webListenerSchema = z
  .strictObject({
    host: z.string().min(1),
    /** 0 for any free port. */
    port: z.int().min(0).max(65535),
    /** Files in PEM: the certificate with those between it and its authority, and its key. */
    certificate: z.string().min(1).optional(),
    key: z.string().min(1).optional(),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    error: "a certificate needs its key, and a key its certificate",
  })
  .refine(({ host, certificate }) => certificate !== undefined || isLoopback(host), {
    error:
      "a listener for browsers without certificate and key may only be on a loopback address such as 127.0.0.1",
  });
export type WebListener = z.infer<typeof webListenerSchema>;

/** The listener with its files where `here` says they are. */
export const locatedWebListener = (
  { certificate, key, ...rest }: WebListener,
  here: (path: string) => string,
): WebListener =>
  certificate === undefined || key === undefined
    ? rest
    : { ...rest, certificate: here(certificate), key: here(key) };

export interface WebKeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Certificate and key of a listener; null when it has none. Rejects with an error for people to read. */
export async function readWebKeyPair({
  certificate,
  key,
}: WebListener): Promise<WebKeyPair | null> {
  if (certificate === undefined || key === undefined) return null;
  const read = (file: string) =>
    readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "there is no such file" : error.code;
      throw new Error(`cannot read ${file} for browsers: ${reason}`);
    });
  const [cert, privateKey] = await Promise.all([read(certificate), read(key)]);
  try {
    createSecureContext({ cert, key: privateKey });
  } catch (error) {
    const found = `${certificate} and ${key} are no certificate with its key in PEM`;
    throw new Error(`${found}: ${messageOf(error)}`);
  }
  return { cert, key: privateKey };
}

/** What servers with such a key pair have in common. */
export const webTlsOptions = ({ cert, key }: WebKeyPair) => ({
  cert,
  key,
  minVersion: TLS_SETTINGS.version,
  maxVersion: TLS_SETTINGS.version,
  ALPNProtocols: ["http/1.1"],
  handshakeTimeout: LIMITS.handshakeMs,
});

interface SecureServer {
  setSecureContext(options: WebKeyPair): void;
}

/**
 * Looks for a renewed certificate now and then, and gives it to the server: nobody has to start the service again.
 * Until the signal is aborted; a certificate that cannot be read is told, and the old one stays.
 */
export async function followWebKeyPair(
  listener: WebListener,
  server: object,
  { clock, signal, onProblem }: FollowOptions,
): Promise<void> {
  if (listener.certificate === undefined) return;
  let known = await stampOf(listener);
  while (!signal.aborted) {
    await clock.sleep(LIMITS.webCertificateMs, signal).catch(() => {});
    if (signal.aborted) return;
    const stamp = await stampOf(listener);
    if (stamp === known) continue;
    try {
      const pair = await readWebKeyPair(listener);
      if (pair !== null) (server as SecureServer).setSecureContext(pair);
      known = stamp;
    } catch (error) {
      onProblem(messageOf(error));
    }
  }
}

export interface FollowOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProblem: (message: string) => void;
}

async function stampOf({ certificate, key }: WebListener): Promise<string> {
  const stamps = [certificate, key].map((file) =>
    stat(file!).then(
      ({ mtimeMs, size }) => `${mtimeMs} ${size}`,
      () => "missing",
    ),
  );
  return (await Promise.all(stamps)).join(" ");
}
