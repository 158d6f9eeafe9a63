-- Which transaction was the last that only sent a hint to the readers of the change feed: its number, plus the microseconds
-- from 1970 until this server started, so that it means nothing to a server that has numbered its transactions otherwise.
-- It is a sequence because that is seen before the transaction ends. Cached responses outlive such a transaction.
create sequence user_event_hints;
