import { BSON, type Document } from 'mongodb';

/** A request as seen on the wire; `command` is `(other)` for what is not a plain OP_MSG. */
export interface WireRequest {
  readonly command: string;
  readonly database: string | undefined;
  /** The command document, without the documents that a write sends beside it. */
  readonly body: Document;
}

const HEADER_BYTES = 16;
const OP_MSG = 2013;
const OTHER: WireRequest = { command: '(other)', database: undefined, body: {} };

export function requestId(message: Buffer): number {
  return message.readInt32LE(4);
}

/** The id of the request that a reply answers. */
export function responseTo(message: Buffer): number {
  return message.readInt32LE(8);
}

export function parseRequest(message: Buffer): WireRequest {
  if (message.readInt32LE(12) !== OP_MSG) return OTHER;
  let at = HEADER_BYTES + 4;
  while (at + 5 <= message.length) {
    const kind = message[at];
    const size = message.readInt32LE(at + 1);
    if (kind === 0) {
      const body = BSON.deserialize(message.subarray(at + 1, at + 1 + size));
      return { command: Object.keys(body)[0] ?? '', database: body.$db, body };
    }
    at += 1 + size;
  }
  return OTHER;
}

/** Takes the chunks of a TCP stream and hands on whole messages. */
export function byMessage(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const size = rest.readInt32LE(0);
      if (rest.length < size) return;
      onMessage(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  };
}
