-- A finding that got worse is told again, as one that is open again is.
drop trigger tell_again on rotor.findings;
create trigger tell_again before update on rotor.findings for each row
  when ((old.closed_at is not null and new.closed_at is null)
    or rotor.severity_rank(new.severity) > rotor.severity_rank(old.severity))
  execute function rotor.tell_again();
