// Messages of any length whose size both sides know, as bytes.
import type { Link } from "./channel.ts";

const FRAME_BYTES = 64 * 1024;

/** Sends all bytes under one tag, frame by frame, waiting where the link is slow. */
export async function sendBytes(link: Link, tag: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    link.send(tag, bytes.subarray(at, at + FRAME_BYTES));
    await link.drained();
  }
}

/** Receives a message of `byteLength` bytes; see Link.receive for its errors. */
export async function receiveBytes(
  link: Link,
  tag: number,
  byteLength: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  if (byteLength === 0) return bytes;
  await link.receive(tag, byteLength, (piece, offset) => bytes.set(piece, offset));
  return bytes;
}
