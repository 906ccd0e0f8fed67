/** Express 4 under the name that lets both versions be installed; what is used here has the same types in both. */
declare module 'express-4' {
  export { default } from 'express';
}
