-- Additive: a program of schema 1 keeps working on it, and writes down nothing here.

-- What a service has of the settings that others have as well, as its newest process was started; the doctors compare them. No secrets.
create table shared_settings (
    service text not null,
    setting text not null,
    value text not null,
    -- Since when it is this value.
    since timestamptz not null default clock_timestamp(),
    primary key (service, setting)
);
