import { useActionState } from 'react';

export function SignIn({ signIn }) {
  const [error, submit, pending] = useActionState(async (_, form) => {
    try {
      await signIn(form.get('name'));
      return null;
    } catch (e) {
      return e.message;
    }
  }, null);

  return (
    <form action={submit} className="sign-in">
      <label>
        Your name
        <input name="name" defaultValue="alice" required autoComplete="username" />
      </label>
      <button className="primary" disabled={pending}>
        Sign in
      </button>
      {error && <p role="alert">{error}</p>}
    </form>
  );
}
