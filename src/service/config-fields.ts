// What the configuration files of services have in common.
import { z } from "zod";

export const listening = z.strictObject({
  host: z.string().min(1),
  /** 0 for any free port. */
  port: z.int().min(0).max(65535),
});

/** Whether a list of revoked certificates is at an address, and not in a file. */
export const isHttps = (text: string): boolean => text.startsWith("https://") && URL.canParse(text);

/** The list of revoked certificates: a file, or where the registrar serves it; read again and again. */
export const revocationSource = z
  .string()
  .min(1)
  .refine((text) => !text.includes("://") || isHttps(text), {
    error: "expected a file or the registrar's https://HOST:PORT/v1/revocations",
  })
  .optional();
