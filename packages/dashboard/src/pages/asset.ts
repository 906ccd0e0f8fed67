/**
 * A file of the pages, as the build wrote it into a module: nothing is looked up on a disk at run time.
 *
 * @module
 */

/** One file. */
export interface Asset {
  /** The media type, such as `text/javascript; charset=utf-8`. */
  readonly type: string;
  /** A hash of the content, for `ETag`. */
  readonly hash: string;
  /** How `body` is written: texts as they are, other files in base64. */
  readonly encoding: 'utf8' | 'base64';
  readonly body: string;
}

/** The files by their paths below the mount: `index.html`, `assets/index-3f2a.js`, ... */
export type Assets = Readonly<Record<string, Asset>>;
