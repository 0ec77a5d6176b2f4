"""Django's admin serves users and groups only, which django.contrib.auth registers itself. Everything else has
screens of its own, where permissions, audit and versions hold."""

from django.contrib import admin

admin.site.site_header = admin.site.site_title = "AgentOps: users and roles"
admin.site.index_title = "Users and roles"
admin.site.enable_nav_sidebar = False
