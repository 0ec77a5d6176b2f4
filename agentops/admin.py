"""Django's admin, for users and groups only, which django.contrib.auth registers.

Everything else has pages of its own, because the admin would bypass our audit, versions and state machines.
"""

from django.contrib import admin

admin.site.site_header = admin.site.site_title = "AgentOps: users and roles"
admin.site.index_title = "Users and roles"
admin.site.enable_nav_sidebar = False
