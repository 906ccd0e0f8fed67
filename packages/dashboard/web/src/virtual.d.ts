declare module 'virtual:lifecycle' {
  /** The table of states and transitions of a job, as the library has it. */
  export const lifecycle: {
    readonly states: readonly string[];
    readonly initial: string;
    readonly terminal: readonly string[];
    readonly rows: readonly {
      readonly verb: string;
      readonly from: readonly string[];
      /** A state, or `gone`, or that it stays in its state. */
      readonly to: string;
      readonly guards: readonly string[];
    }[];
  };
}
