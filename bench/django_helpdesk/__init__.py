"""django-helpdesk (BSD), run beside us on the same mails; installed on demand, in an environment of its own.

https://github.com/django-helpdesk/django-helpdesk
"""
