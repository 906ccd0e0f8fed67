import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Icon, type IconName } from './icon.tsx';

interface ButtonProps {
  readonly children?: ComponentChildren;
  readonly icon?: IconName;
  /** What it does, where it shows an icon alone. */
  readonly label?: string;
  readonly look?: 'main' | 'danger' | 'mainDanger' | 'bare';
  /** Why it can't be used; it stays in its place and can be focused, and says this. */
  readonly denied?: string | undefined;
  readonly busy?: boolean;
  readonly onClick?: (event: MouseEvent) => void;
  readonly type?: 'button' | 'submit';
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  readonly id?: string;
}

const LOOKS = {
  main: ' is-main',
  danger: ' is-danger',
  mainDanger: ' is-main is-danger',
  bare: ' is-bare',
} as const;

export function Button(props: ButtonProps) {
  const { children, icon, label, look, denied, busy = false, type = 'button' } = props;
  const id = useId();
  const isOff = denied !== undefined || busy;
  const onClick = (event: MouseEvent): void => {
    if (isOff) event.preventDefault();
    else props.onClick?.(event);
  };
  return (
    <button
      {...(props.id && { id: props.id })}
      type={type}
      class={`button${look ? LOOKS[look] : ''}${children ? '' : ' is-icon'}`}
      onClick={onClick}
      {...(label && { 'aria-label': label, title: label })}
      {...(isOff && { 'aria-disabled': true })}
      {...(denied && { title: denied, 'aria-describedby': id })}
      {...(props.pressed !== undefined && { 'aria-pressed': props.pressed })}
      {...(props.expanded !== undefined && { 'aria-expanded': props.expanded })}
    >
      {icon && <Icon name={icon} />}
      {children}
      {denied && (
        <span id={id} hidden>
          {denied}
        </span>
      )}
    </button>
  );
}
