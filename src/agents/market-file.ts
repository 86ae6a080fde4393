// The market document on disk.
import { readFile } from "node:fs/promises";
import { type MarketDocument, parseMarketDocument } from "../market/market-document.ts";
import { messageOf } from "../platform/errors.ts";

/** The file is no market document; says which and what is wrong. */
export class MarketDocumentFileError extends Error {
  override readonly name = "MarketDocumentFileError";
}

/** Reads a market document. Throws MarketDocumentFileError. */
export async function readMarketDocument(file: string): Promise<MarketDocument> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : code;
    throw new MarketDocumentFileError(`cannot read the market document ${file}: ${reason}`);
  }
  try {
    return parseMarketDocument(text);
  } catch (error) {
    throw new MarketDocumentFileError(`${file}: ${messageOf(error)}`);
  }
}
