/** A codec that encrypts, as an application would write it: AES-256-GCM with a fresh nonce for each value. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { BSON } from 'mongodb';
import type { Codec, CodecContext } from '../src/index.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a value belongs to is authenticated with it: it cannot be put in another job's name or field. */
function belongingOf({ name, field }: CodecContext): Buffer {
  return Buffer.from(`${name}/${field}`);
}

/** Encrypts with a key of 32 bytes. */
export function aesCodec(key: Buffer): Codec {
  return {
    encode(value, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(belongingOf(context));
      const text = Buffer.concat([cipher.update(BSON.serialize({ value })), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]);
    },
    decode(encoded, context) {
      const bytes = Buffer.from(encoded as Uint8Array);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(belongingOf(context))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return BSON.deserialize(Buffer.concat([text, decipher.final()])).value;
    },
  };
}
