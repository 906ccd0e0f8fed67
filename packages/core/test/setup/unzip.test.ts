import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { unzipEntry } from './unzip.ts';

describe('unzipEntry', () => {
  const archive = zip([
    { name: 'lib/other', content: 'not this one', deflate: true },
    { name: 'lib/bin/stored', content: 'as it is', deflate: false },
    { name: 'lib/bin/mongod', content: 'squeezed '.repeat(1000), deflate: true },
  ]);

  test('finds a deflated file by the end of its name', () => {
    expect(unzipEntry(archive, '/bin/mongod').toString()).toBe('squeezed '.repeat(1000));
  });

  test('finds a stored file', () => {
    expect(unzipEntry(archive, '/bin/stored').toString()).toBe('as it is');
  });

  test('says what it did not find', () => {
    expect(() => unzipEntry(archive, '/bin/mongos')).toThrow('No file ends with /bin/mongos');
  });

  test('refuses what is no zip', () => {
    expect(() => unzipEntry(Buffer.from('<html>'), 'x')).toThrow('Not a zip file');
  });
});

interface File {
  readonly name: string;
  readonly content: string;
  readonly deflate: boolean;
}

/** A zip with the fields that a reader needs; the rest are zero. */
function zip(files: readonly File[]): Buffer {
  const bodies: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const { name, content, deflate } of files) {
    const data = deflate ? deflateRawSync(content) : Buffer.from(content);
    const header = Buffer.alloc(30);
    header.write('PK\x03\x04', 'latin1');
    header.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02', 'latin1');
    entry.writeUInt16LE(deflate ? 8 : 0, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    bodies.push(header, Buffer.from(name), data);
    entries.push(entry, Buffer.from(name));
    offset += header.length + name.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, ...entries, end]);
}
