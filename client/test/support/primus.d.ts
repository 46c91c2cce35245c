declare module "primus";
