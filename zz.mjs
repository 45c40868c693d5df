import { writeCog } from './packages/eo/dist/geotiff/write-cog.js';
import { writeFileSync } from 'node:fs';
const scratch=()=>{const p=[];let n=0;return{get length(){return n},async append(b){p.push([n,b]);n+=b.length;return n-b.length},async read(o,l){return p.find(([a,b])=>a===o)[1]},async clear(){}}};
async function w(name, r){const c=[];for await(const b of writeCog(r,scratch()))c.push(b);writeFileSync(name,Buffer.concat(c));}
const f=(W,H,B,T,fn)=>({width:W,height:H,bands:B,read:({x,y,width,height})=>{const o=new T(width*height*B);for(let r=0;r<height;r++)for(let c=0;c<width;c++)for(let b=0;b<B;b++)o[(r*width+c)*B+b]=fn(x+c,y+r,b);return o;}});
const d='/tmp/w/h-eo/tmp/';
await w(d+'f.tif',{...f(700,513,3,Float32Array,(x,y,b)=>x<40?NaN:Math.sin(x/9)+y*.01+b),type:'float32',crs:'EPSG:32633',transform:[160,0,399960,0,-160,5300040],nodata:NaN,resampling:'mean',tags:{frames:'0-15 ü<&'},bandNames:['pca 1','pca 2','pca 3'],at:'2024-01-05T17:47:31Z'});
await w(d+'u.tif',{...f(1200,900,1,Uint8Array,(x,y)=>x+y<200?255:((x>>5)+(y>>5))%7),type:'uint8',crs:'EPSG:4326',transform:[.001,0,10,0,-.001,50],nodata:255,resampling:'mode'});
await w(d+'c.tif',{...f(600,300,4,Uint8Array,(x,y,b)=>b===3?(x<50?0:255):(x*(b+1)+y)&255),type:'uint8',crs:'EPSG:3857',transform:[.6*16,0,-11720000.5,0,-.6*16,4865000.25],colours:true,resampling:'mean'});
await w(d+'s.tif',{...f(24,24,5,Uint16Array,(x,y,b)=>x*y+b),type:'uint16',crs:'PROJCS["MODIS Sinusoidal",GEOGCS["Unknown datum based upon the custom spheroid",DATUM["Not_specified_based_on_custom_spheroid",SPHEROID["Custom spheroid",6371007.181,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Sinusoidal"],PARAMETER["longitude_of_center",0],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1]]',transform:[20,3,500000,-4,-20,4400000],resampling:'mean'});
