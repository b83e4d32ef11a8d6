import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "photomgr.settings")
application = get_wsgi_application()
# The threads of this process share their database connections.
settings.DATABASES["default"].update(settings.WEB_DATABASE)
