/**
 * Puts a new text in the place of a file as a whole, unless another writer has come meanwhile.
 *
 * A lock alone cannot promise that. A process that stands still does not renew its lock, so the next one takes it over;
 * and when the first goes on, it may be just before its last step. So that step is bound to a file of its own, which
 * whoever comes next removes before it reads.
 *
 * What always holds, with a lock or without: who puts a text in place has read what was put there before. For of two
 * writers the one that came later sees the file of the other one, and either removes it, which ends that writer, or finds
 * it in its place, and reads it.
 *
 * @module
 */
import type { Stats } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemRandom } from '@monque/core';

const PERMISSIONS = 0o777;

/** The right to put a text in the place of a file, until another writer comes. */
export class Replacement {
  readonly #path: string;
  readonly #own: string;
  readonly #handle: FileHandle;
  readonly #before: Pick<Stats, 'mode' | 'uid' | 'gid'>;

  private constructor(path: string, before: Stats, own: string, handle: FileHandle) {
    this.#path = path;
    this.#before = before;
    this.#own = own;
    this.#handle = handle;
  }

  /** Takes the right away from all other writers, those that were killed too. Read the file after this. */
  static async begin(path: string): Promise<Replacement> {
    const folder = dirname(path);
    const prefix = `.${basename(path)}.`;
    const name = `${prefix}${systemRandom.token()}.new`;
    const own = join(folder, name);
    const before = await stat(path);
    const replacement = new Replacement(path, before, own, await open(own, 'ax'));
    const others = (await readdir(folder)).filter(
      (other) => other.startsWith(prefix) && other.endsWith('.new') && other !== name,
    );
    for (const other of others) await rm(join(folder, other), { force: true });
    return replacement;
  }

  /** Writes a text beside the file, down to the disk, with the owner and the permissions of the file. */
  async write(text: string): Promise<void> {
    const { mode, uid, gid } = this.#before;
    await this.#handle.truncate();
    await this.#handle.writeFile(text);
    // Only some may give a file to others. It is theirs who wrote it then.
    await Promise.allSettled([this.#handle.chown(uid, gid)]);
    await this.#handle.chmod(mode & PERMISSIONS);
    await this.#handle.sync();
  }

  /**
   * Puts what was written last in the place of the file.
   *
   * @returns false when another writer took the right meanwhile; nothing was changed then
   */
  async putInPlace(): Promise<boolean> {
    try {
      await rename(this.#own, this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Gives the right back. */
  async end(): Promise<void> {
    await this.#handle.close();
    await rm(this.#own, { force: true });
  }
}
